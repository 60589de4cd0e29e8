/**
 * What the manifests let the agent do at the API server is what it needs: with it, it enforces and reports; without any one
 * verb it does not, and says which.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { requiredRights } from '../../src/agent/required-rights.ts';
import { root } from '../../scripts/deploy/names.ts';
import { agentOptions } from '../agent/agent-options.ts';
import { Agent } from '../../src/agent/agent.ts';
import { RefusalEvents } from '../../src/agent/refusal-events.ts';
import { detachEngines } from '../../src/agent/node-datapath.ts';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { findConnection } from '../../src/kubernetes/connect.ts';
import { ApiClient } from '../cluster/api/client.ts';
import { startControlPlane, type ControlPlane } from '../cluster/control-plane/control-plane.ts';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { until } from '../datapath/conversation.ts';
import { isRoot } from '../datapath/kernel-tables.ts';
import { TestNetwork } from '../datapath/test-network.ts';
import { objectsOf } from './objects.ts';
import type { KubernetesObject } from './objects.ts';

type Rule = (typeof requiredRights)[number];

const reason = reasonToSkip(lightParts);
const node = 'n1';
const plain = objectsOf(readFileSync(join(root, 'deploy/bulkhead.yaml'), 'utf8'));
const account = 'system:serviceaccount:bulkhead-system:bulkhead';
const clusterRole = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const rights = requiredRights.flatMap(({ apiGroups: [group], resources, verbs }) =>
  resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb }))),
);

/** Without one verb on one resource; the others of its rule stay. */
function rulesWithout(resource: string, verb: string): readonly Rule[] {
  return requiredRights
    .flatMap((rule) => [
      { ...rule, resources: rule.resources.filter((one) => one !== resource) },
      {
        ...rule,
        resources: rule.resources.filter((one) => one === resource),
        verbs: rule.verbs.filter((one) => one !== verb),
      },
    ])
    .filter(({ resources }) => resources.length > 0);
}

describe.skipIf(!isRoot || reason !== undefined)(
  `[root] rights at the API server${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let controlPlane: ControlPlane;
    let api: ApiClient;
    let network: TestNetwork;
    let directory: string;
    let agent: Agent | undefined;
    let log: string[] = [];

    beforeAll(async () => {
      network = new TestNetwork();
      directory = mkdtempSync(join(tmpdir(), 'bulkhead-rights-'));
      controlPlane = await startControlPlane();
      api = new ApiClient(controlPlane.kubeconfig);
      await api.must('POST', '/api/v1/nodes', { metadata: { name: node } });
      for (const [key, object] of plain) await api.must('POST', collectionOf(key, object), object);
      writeFileSync(join(directory, 'kubeconfig'), await accountKubeconfig());
    });

    afterEach(async () => {
      await agent?.stop();
      agent = undefined;
    });

    afterAll(async () => {
      const { node: netns, bpffs } = network;
      detachEngines({ netns, bpffs, pinDir: `${bpffs}/bulkhead` });
      network.remove();
      rmSync(directory, { recursive: true });
      api?.close();
      await controlPlane?.stop();
    });

    /** By a token as the kubelet would ask for it. */
    async function accountKubeconfig(): Promise<string> {
      const path = '/api/v1/namespaces/bulkhead-system/serviceaccounts/bulkhead/token';
      const { status } = (await api.must('POST', path, {})) as { status: { token: string } };
      const config = parse(readFileSync(controlPlane.kubeconfig, 'utf8')) as { users: [{ name: string }] };
      const users = [{ name: config.users[0].name, user: { token: status.token } }];
      return stringify({ ...config, users });
    }

    async function may({ group, resource, verb }: (typeof rights)[number]): Promise<boolean> {
      const review = await api.must('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        spec: { user: account, resourceAttributes: { group, resource, verb } },
      });
      return (review as { status: { allowed: boolean } }).status.allowed;
    }

    async function setRules(rules: readonly Rule[]): Promise<void> {
      await api.must('PATCH', `${clusterRole}/bulkhead`, { rules }, 'application/merge-patch+json');
    }

    async function start(): Promise<Agent> {
      log = [];
      const client = new KubernetesClient(
        await findConnection({ kubeconfig: join(directory, 'kubeconfig') }),
      );
      agent = new Agent(agentOptions(network, directory, { node, engine: 'nftables' }), client, {
        log: (_, message) => log.push(message),
      });
      await agent.start();
      return agent;
    }

    test('with those of the manifest an agent enforces, and writes what it does', async () => {
      const started = await start();
      await until(() => started.health.ready && started.health.conditions.get('status')?.ok === true);
      const written = await api.must('GET', `/apis/bulkhead.io/v1alpha1/nodepolicystatuses/${node}`);
      expect(written).toMatchObject({ status: { engine: 'nftables' } });
      expect(log.filter((line) => line.includes('forbidden'))).toEqual([]);
    });

    /** As an agent would that refuses a policy, and the next one after it. */
    async function tellOfRefusal(): Promise<void> {
      const client = new KubernetesClient(
        await findConnection({ kubeconfig: join(directory, 'kubeconfig') }),
      );
      const refusal = { code: 'DATAPATH_FULL', message: 'full', since: 0, enforced: 'closed' } as const;
      const revision = { namespace: 'default', name: 'one', uid: '1', resourceVersion: '1', generation: 1 };
      for (let agents = 0; agents < 2; agents += 1) {
        const told = Promise.withResolvers<void>();
        const events = new RefusalEvents({
          client,
          node,
          onResult: (error) => {
            if (error) log.push(error.message);
            told.resolve();
          },
        });
        const policy = { ...revision, key: 'default/one', refused: [] };
        events.know([[policy.key, policy]]);
        events.refused(new Map([['NetworkPolicy/default/one', refusal]]));
        await told.promise;
        events.close();
      }
      client.close();
    }

    test.each(rights)('without $verb of $resource it says so', async (right) => {
      log = [];
      await api.request('DELETE', '/apis/events.k8s.io/v1/namespaces/default/events');
      await api.request('DELETE', `/apis/bulkhead.io/v1alpha1/nodepolicystatuses/${node}`);
      await setRules(rulesWithout(right.resource, right.verb));
      while (await may(right)) await sleep(5);
      if (right.resource === 'events') await tellOfRefusal();
      else await start();
      const forbidden = `cannot ${right.verb} resource "${right.resource}"`;
      await until(() => log.some((line) => line.includes(forbidden)));
      await setRules(requiredRights);
      while (!(await may(right))) await sleep(5);
    });
  },
);

function collectionOf(key: string, { apiVersion, metadata }: KubernetesObject): string {
  const [kind = ''] = key.split('/');
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  // Strict: a field that the API server does not know is an error.
  return `${base}${place}/${kind.toLowerCase()}s?fieldValidation=Strict`;
}
