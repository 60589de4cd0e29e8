/** Whether the API server answers, and whether it lets this account do what the agent does. */
import { requiredRights } from '../agent/required-rights.ts';
import { BulkheadError } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { KubernetesClient } from '../kubernetes/client.ts';
import { findConnection } from '../kubernetes/connect.ts';
import type { ConnectOptions } from '../kubernetes/connect.ts';
import { nodes, pods } from '../kubernetes/resource.ts';
import { asFields, asText, type Fields } from '../kubernetes/untyped.ts';
import type { Node, Pod } from '../objects/model.ts';
import { decodeNode } from '../sources/api/node.ts';
import { decodePod } from '../sources/api/pod.ts';
import { Sharing } from '../sources/api/sharing.ts';
import type { Finding } from './finding.ts';

export interface ApiAnswer {
  readonly findings: readonly Finding[];
  readonly node: Node | undefined;
  readonly pods: readonly Pod[];
}

const reviews = { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews' };

export async function checkApi(nodeName: string, options: ConnectOptions): Promise<ApiAnswer> {
  let client: KubernetesClient | undefined;
  try {
    client = new KubernetesClient(await findConnection(options));
    const rights = await checkRights(client);
    const raw = await getNode(client, nodeName);
    if (!raw) return { findings: [await unknownNode(client, nodeName), rights], node: undefined, pods: [] };
    const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${nodeName}` });
    const sharing = new Sharing();
    const result = `answers, and knows Node ${nodeName} with ${items.length} pods`;
    return {
      findings: [{ check: 'API server', state: 'ok', result }, rights],
      node: decodeNode(raw).object,
      pods: items.flatMap((item) => decodePod(item, sharing).object ?? []),
    };
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    const [first] = error.diagnostics;
    const advice = first?.hint === undefined ? {} : { advice: first.hint };
    const result = first?.message ?? error.message;
    return {
      findings: [{ check: 'API server', state: 'problem', result, ...advice }],
      node: undefined,
      pods: [],
    };
  } finally {
    client?.close();
  }
}

/** Undefined if the cluster has none of that name. */
async function getNode(client: KubernetesClient, name: string): Promise<Fields | undefined> {
  try {
    return await client.get(nodes, { name });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

async function unknownNode(client: KubernetesClient, name: string): Promise<Finding> {
  const page = await client.list(nodes, { limit: 5 });
  const names = page.items.flatMap(({ metadata }) => asText(asFields(metadata)?.['name']) ?? []);
  const shown = `${names.join(', ')}${page.continue === undefined ? '' : ', …'}`;
  return {
    check: 'API server',
    state: 'problem',
    result: `answers, but has no Node ${name}${shown ? `: its nodes are ${shown}` : ', and no other'}`,
    advice:
      "Run this on a node, or in an agent's pod. If this machine is one of them, say which with --node-name; what is said about kernel and CNI is about this machine.",
  };
}

async function checkRights(client: KubernetesClient): Promise<Finding> {
  const check = 'rights';
  const wanted = requiredRights.flatMap(({ apiGroups: [group], resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb }))),
  );
  const missing: string[] = [];
  for (const resourceAttributes of wanted) {
    const review = await client.create(
      reviews,
      {},
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      },
    );
    const { verb, resource } = resourceAttributes;
    if (asFields(review['status'])?.['allowed'] !== true) missing.push(`${verb} ${resource}`);
  }
  if (missing.length === 0)
    return { check, state: 'ok', result: 'this account may do all that the agent does' };
  return {
    check,
    state: 'problem',
    result: `this account may not: ${missing.join(', ')}`,
    advice: 'Apply the ClusterRole and its binding of deploy/bulkhead.yaml anew.',
  };
}
