/**
 * Fills a cluster as `fill.ts` does, but only the first object of each kind goes through the API server. The others are
 * written into its store, in the likeness of what it made of the first: thousands in a second instead of hundreds.
 */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { forEachLimited } from '../../../src/lab/network/tool.ts';
import type { ApiClient } from './client.ts';
import { fillCluster } from './fill.ts';
import {
  madeUpPod,
  namespaceName,
  namespaceObject,
  nodeName,
  nodeObject,
  nodeStatus,
  policyName,
  policyObject,
  runningPodObject,
  type Shape,
} from './made-up-objects.ts';

interface Entry {
  /** Below `/registry`. */
  readonly key: string;
  readonly value: object;
}

/** As much of an object as is looked at here. */
interface Parts {
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: object;
}

/** Operations that etcd takes in one transaction. */
const transactionSize = 128;
const underWay = 4;

/** The cluster must be empty. */
export async function fillStore(etcdUrl: string, client: ApiClient, shape: Shape): Promise<void> {
  const first = { ...shape, nodes: 1, namespaces: 1, pods: Math.min(1, shape.pods) };
  await fillCluster(client, { ...first, policies: Math.min(1, shape.policies) });
  const agent = new Agent({ keepAlive: true, maxSockets: underWay });
  try {
    for (const { path, objects } of kinds(shape)) {
      const [{ value: sample } = { value: undefined }, ...others] = objects;
      if (!sample) continue;
      const model = (await client.must('GET', path)) as Parts;
      await forEachLimited([...inTransactions(others)], underWay, async (entries) =>
        put(
          `${etcdUrl}/v3/kv/txn`,
          agent,
          entries.map(({ key, value }) => ({ key, value: like(model, value) })),
        ),
      );
    }
  } finally {
    agent.destroy();
  }
}

/** With the path of the first of each in the API. */
function kinds(shape: Shape): readonly { readonly path: string; readonly objects: readonly Entry[] }[] {
  const every = (count: number, entry: (index: number) => Entry) =>
    Array.from({ length: count }, (_, index) => entry(index));
  const first = { pod: madeUpPod(shape, 0), namespace: namespaceName(0) };
  return [
    {
      path: `/api/v1/nodes/${nodeName(0)}`,
      objects: every(shape.nodes, (index) => ({
        key: `minions/${nodeName(index)}`,
        value: { ...nodeObject(shape, index), ...nodeStatus(shape, index) },
      })),
    },
    {
      path: `/api/v1/namespaces/${first.namespace}`,
      objects: every(shape.namespaces, (index) => ({
        key: `namespaces/${namespaceName(index)}`,
        value: namespaceObject(index),
      })),
    },
    {
      path: `/api/v1/namespaces/${first.pod.namespace}/pods/${first.pod.name}`,
      objects: every(shape.pods, (index) => {
        const pod = madeUpPod(shape, index);
        return { key: `pods/${pod.namespace}/${pod.name}`, value: runningPodObject(pod) };
      }),
    },
    {
      path: `/apis/networking.k8s.io/v1/namespaces/${first.namespace}/networkpolicies/${policyName(0)}`,
      objects: every(shape.policies, (index) => {
        const policy = policyObject(shape, index);
        return { key: `networkpolicies/${policy.metadata.namespace}/${policyName(index)}`, value: policy };
      }),
    },
  ];
}

/** `object` with what the API server gave to the model besides. */
function like(model: Parts, object: Parts): Parts {
  const { resourceVersion: _, ...metadata } = { resourceVersion: '', ...model.metadata };
  return {
    ...model,
    ...object,
    metadata: { ...metadata, ...object.metadata, uid: randomUUID() },
    ...(model.spec ? { spec: { ...model.spec, ...object.spec } } : {}),
    ...(model.status ? { status: { ...model.status, ...object.status } } : {}),
  };
}

function* inTransactions(entries: Iterable<Entry>): Generator<Entry[]> {
  let some: Entry[] = [];
  for (const entry of entries) {
    some.push(entry);
    if (some.length < transactionSize) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

async function put(url: string, agent: Agent, entries: readonly Entry[]): Promise<void> {
  const success = entries.map(({ key, value }) => ({
    requestPut: { key: base64(`/registry/${key}`), value: base64(JSON.stringify(value)) },
  }));
  const body = JSON.stringify({ success });
  await new Promise<void>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const attempt = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`etcd: ${response.statusCode} ${Buffer.concat(chunks).toString()}`));
      });
    });
    attempt.on('error', reject);
    attempt.end(body);
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
