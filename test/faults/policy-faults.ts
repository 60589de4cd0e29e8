/** Objects of the API server: very many of them, very large ones, and those of tenants who mean ill. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../cluster/api/client.ts';
import type { Fault } from './fault.ts';
import { hugePolicies, manyBlocks } from './huge-policies.ts';
import type { LightStand } from './light-stand.ts';
import { createPod, pairPolicy, policiesPath } from './world.ts';

const json = 'application/merge-patch+json';
const pods = '/api/v1/namespaces/default/pods';

/** Selects the server, or nobody, or everybody but the pods of the probes; lets in what the probes do not send. */
function burstPolicy(index: number): object {
  const podSelector = [
    { matchLabels: { app: 'server' } },
    { matchLabels: { app: `nobody-${index}` } },
    { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['client', 'server', 'open'] }] },
  ][index % 3];
  const from = [{ podSelector: { matchLabels: { tier: `t-${index}` } } }];
  const ports = [{ protocol: 'TCP', port: 10_000 + index }];
  return {
    metadata: { name: `burst-${index}`, labels: { burst: 'yes' } },
    spec: { podSelector, ingress: [{ from, ports }] },
  };
}

async function deleteBurst({ api }: LightStand): Promise<void> {
  await api.must('DELETE', `${policiesPath}?labelSelector=burst%3Dyes`);
}

/** So many policies come at once and go at once. */
function burstOf(count: number): Pick<Fault<LightStand>, 'name' | 'run'> {
  return {
    name: `${count.toLocaleString('en')} policies are created in a burst and deleted in one, the one of the probes changing in between`,
    run: async (stand) => {
      const { api } = stand;
      const indexes = Array.from({ length: count }, (_, index) => index);
      await Promise.all(
        indexes.map(async (index) => {
          await api.must('POST', policiesPath, burstPolicy(index));
          if (index % 50 === 0) await api.must('PUT', `${policiesPath}/pair`, pairPolicy(index % 7));
        }),
      );
      await deleteBurst(stand);
      await api.must('PUT', `${policiesPath}/pair`, pairPolicy());
      await stand.realised();
    },
  };
}

const outcome = 'each change is one commit; packets are judged by the tables before or after it';
const bursts: readonly Fault<LightStand>[] = [
  { ...burstOf(100), outcome },
  { ...burstOf(1000), outcome: 'the same' },
];

const huge: Fault<LightStand> = {
  name: 'policies as large as the API server takes: by blocks, by ports, by peers, by labels of 63 and 253 characters',
  outcome:
    'what has room is put in force, what has none closes the pods that it selects and is named in the status; others hold',
  run: async (stand) => {
    const { api } = stand;
    for (const policy of hugePolicies) await api.must('POST', policiesPath, policy);
    await stand.settled();
    for (const { metadata } of hugePolicies) await api.must('DELETE', `${policiesPath}/${metadata.name}`);
    await stand.realised();
  },
};

/** Seven times as many blocks as programs have room for at first. */
const growing: Fault<LightStand> = {
  name: 'policies for one pod name more blocks than tables have room for at first: 40,000, then 120,000',
  outcome:
    'the datapath is made anew with larger tables, again and again, while the one before it judges; all are in force as they stand',
  run: async (stand) => {
    const { api } = stand;
    for (const index of Array.from({ length: 3 }).keys()) {
      await api.must('POST', policiesPath, manyBlocks(index, { matchLabels: { app: 'server' } }));
      await stand.realised();
    }
    for (const index of Array.from({ length: 3 }).keys())
      await api.must('DELETE', `${policiesPath}/blocks-${index}`);
    await stand.realised();
  },
};

/** What other parts of Kubernetes, and of other engines, put on objects and believe. */
const forgedLabels: Readonly<Record<string, string>> = {
  'kubernetes.io/metadata.name': 'default',
  'pod-template-hash': 'client',
  'io.kubernetes.pod.namespace': 'default',
  'io.kubernetes.pod.name': 'client',
  'io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': 'default',
  'reserved.host': '',
  'projectcalico.org/namespace': 'default',
  'app.kubernetes.io/name': 'client',
  name: 'client',
  App: 'client',
};

const hostile: Fault<LightStand> = {
  name: 'labels, names and annotations that look like what others believe, or like code; hundreds of them on a pod',
  outcome:
    'labels are compared as they are, and the namespace is what the API says; the rest is not looked at',
  run: async (stand) => {
    const { api } = stand;
    const many = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [
        `label-${index}.example.org/${'k'.repeat(50)}`,
        'v'.repeat(63),
      ]),
    );
    const before = await api.must('GET', `${pods}/open`);
    const annotations = {
      'example.org/note': '\u202Etxet \u0000x\u2028 $(reboot) {{.}} \uD83D\uDCA3 "\\" \'--'.replace(
        '\u0000',
        '',
      ),
    };
    await api.must(
      'PATCH',
      `${pods}/open`,
      { metadata: { labels: { ...forgedLabels, ...many }, annotations } },
      json,
    );
    const namespaces = ['kube-system-svc', 'default-svc-cluster-local', `n${'a'.repeat(62)}`];
    for (const [index, name] of namespaces.entries()) {
      await api.must('POST', '/api/v1/namespaces', {
        metadata: { name, labels: { app: 'client', 'pod-template-hash': 'client' } },
      });
      await api.must('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
      await createPod(api, {
        name: `client.${'b'.repeat(60)}.${'c'.repeat(60)}`,
        namespace: name,
        labels: { app: 'client' },
        ips: [`10.0.0.${60 + index}`],
      });
    }
    await stand.realised();
    await sleep(100);
    const { metadata } = before as {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    };
    const gone = Object.fromEntries(Object.keys({ ...forgedLabels, ...many }).map((key) => [key, null]));
    await api.must(
      'PATCH',
      `${pods}/open`,
      { metadata: { labels: { ...gone, ...metadata.labels }, annotations: null } },
      json,
    );
    for (const name of namespaces) await deleteNamespace(api, name);
    await stand.realised();
  },
};

/** As the controller of namespaces would, which is not there. */
async function deleteNamespace(api: ApiClient, name: string): Promise<void> {
  const namespace = `/api/v1/namespaces/${name}`;
  await api.must('DELETE', `${namespace}/pods?gracePeriodSeconds=0`);
  await api.must('DELETE', `${namespace}/serviceaccounts`);
  await api.must('DELETE', namespace);
  await api.must('PUT', `${namespace}/finalize`, { metadata: { name }, spec: { finalizers: [] } });
}

export const policyFaults: readonly Fault<LightStand>[] = [...bursts, huge, growing, hostile];
