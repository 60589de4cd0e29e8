/** Against a real API server; skipped where its parts would have to be built first. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RefusalEvents } from '../../src/agent/refusal-events.ts';
import type { Refusal } from '../../src/agent/refused-policy.ts';
import type { BulkheadError } from '../../src/errors.ts';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { findConnection } from '../../src/kubernetes/connect.ts';
import { decodeApiPolicy } from '../../src/sources/api/network-policy.ts';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { ReportedCluster } from '../operate/reported-cluster.ts';

const reason = reasonToSkip(lightParts);

const patiently = { timeout: 20_000 };

const full: Refusal = {
  code: 'DATAPATH_FULL',
  message: 'the change needs more entries',
  hint: 'Reduce what the policies tell apart.',
  since: 0,
  enforced: 'closed',
};

interface WrittenEvent {
  readonly metadata: { readonly name: string };
  readonly note: string;
  readonly reason: string;
  readonly regarding: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly series?: { readonly count: number };
}

test('events of a namespace with hundreds of refusals keep nobody else waiting', async () => {
  const told: string[] = [];
  const events = new RefusalEvents({
    client: {
      create: async (_, { namespace = '' }) => Promise.resolve({ n: told.push(namespace) }),
      patch: async () => Promise.resolve({}),
    },
    node: 'n1',
    onResult: () => undefined,
    pace: { gapMs: 1 },
  });
  const keys = [...Array.from({ length: 300 }, (_, index) => `greedy/${index}`), 'shop/cart'];
  events.know(
    keys.map((key) => {
      const [namespace, name] = key.split('/');
      const metadata = { namespace, name, uid: key, resourceVersion: '1' };
      return [key, decodeApiPolicy({ metadata, spec: { podSelector: {} } }).policy] as const;
    }),
  );
  events.refused(new Map(keys.map((key) => [`NetworkPolicy/${key}`, full])));
  await expect.poll(() => told.length, patiently).toBeGreaterThan(2);
  events.close();
  expect(told.slice(0, 3)).toEqual(['greedy', 'shop', 'greedy']);
});

describe.skipIf(reason !== undefined)(`events of refusals${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let cluster: ReportedCluster;
  let client: KubernetesClient;
  const errors: BulkheadError[] = [];
  const open: RefusalEvents[] = [];

  beforeAll(async () => {
    cluster = await ReportedCluster.start();
    client = new KubernetesClient(await findConnection({ kubeconfig: cluster.controlPlane.kubeconfig }));
  });

  afterEach(() => {
    for (const events of open.splice(0)) events.close();
    errors.length = 0;
  });

  afterAll(async () => {
    client?.close();
    await cluster?.stop();
  });

  function agent(node: string, renewMs = 3_600_000): RefusalEvents {
    const onResult = (error: BulkheadError | undefined) => void (error && errors.push(error));
    const events = new RefusalEvents({
      client,
      node,
      onResult,
      pace: { gapMs: 0, retryMs: 20, renewMs },
    });
    open.push(events);
    return events;
  }

  /** What the agent knows of a policy that is there. */
  async function policy(name: string): Promise<Parameters<RefusalEvents['know']>[0]> {
    const path = `/apis/networking.k8s.io/v1/namespaces/default/networkpolicies/${name}`;
    const raw = (await cluster.api.must('GET', path)) as Record<string, unknown>;
    return [[`default/${name}`, decodeApiPolicy(raw).policy]];
  }

  async function written(name: string): Promise<readonly WrittenEvent[]> {
    const list = await cluster.api.must('GET', '/apis/events.k8s.io/v1/namespaces/default/events');
    return (list as { items: WrittenEvent[] }).items.filter(({ regarding }) => regarding.name === name);
  }

  const refuse = (events: RefusalEvents, name: string, refusal = full) =>
    events.refused(new Map([[`NetworkPolicy/default/${name}`, refusal]]));

  test('name the policy, the node, the code and what to do, one for each node', async () => {
    await cluster.setPolicy('one', { podSelector: {} });
    for (const node of ['n1', 'n2']) {
      const events = agent(node);
      events.know(await policy('one'));
      refuse(events, 'one');
    }
    await expect.poll(async () => (await written('one')).length, patiently).toBe(2);
    const notes = (await written('one')).map(({ note }) => note).toSorted();
    expect(notes[0]).toBe(
      'Node n1 refuses this policy; the pods that it selects are closed. DATAPATH_FULL: the change needs more entries. Reduce what the policies tell apart.',
    );
    expect((await written('one'))[0]).toMatchObject({
      reason: 'PolicyRefused',
      type: 'Warning',
      regarding: { kind: 'NetworkPolicy', namespace: 'default', name: 'one' },
      related: { kind: 'Node' },
    });
    expect(errors).toEqual([]);
  });

  test('are not repeated when the same is refused again, but for another version, code or substitute', async () => {
    await cluster.setPolicy('two', { podSelector: {} });
    const events = agent('n1');
    events.know(await policy('two'));
    for (let resync = 0; resync < 5; resync += 1) refuse(events, 'two');
    refuse(events, 'two', { ...full, message: 'the change needs still more entries' });
    await expect.poll(async () => (await written('two')).length, patiently).toBe(1);
    refuse(events, 'two', { ...full, code: 'DATAPATH_BROKEN' });
    await expect.poll(async () => (await written('two')).length, patiently).toBe(2);
    await cluster.setPolicy('two', { podSelector: { matchLabels: { app: 'a' } } });
    events.know(await policy('two'));
    refuse(events, 'two', { ...full, enforced: 'previous' });
    await expect.poll(async () => (await written('two')).length, patiently).toBe(3);
    expect((await written('two')).every(({ series }) => series === undefined)).toBe(true);
  });

  test('of the next agent, or of a refusal that lasts, count up', async () => {
    await cluster.setPolicy('three', { podSelector: {} });
    const events = agent('n1');
    events.know(await policy('three'));
    refuse(events, 'three');
    await expect.poll(async () => (await written('three')).length, patiently).toBe(1);
    events.close();
    const next = agent('n1', 20);
    next.know(await policy('three'));
    refuse(next, 'three');
    await expect
      .poll(async () => (await written('three'))[0]?.series?.count ?? 0, patiently)
      .toBeGreaterThan(3);
    expect(await written('three')).toHaveLength(1);
  });

  test('fit, whatever the policy is called and however much there is to say', async () => {
    const name = `${'long-'.repeat(50)}end`;
    await cluster.setPolicy(name, { podSelector: {} });
    const events = agent('n'.repeat(253));
    events.know(await policy(name));
    refuse(events, name, { ...full, message: 'größer '.repeat(300) });
    await expect.poll(async () => (await written(name)).length, patiently).toBe(1);
    const [event] = await written(name);
    expect(Buffer.byteLength(event?.note ?? '')).toBeLessThanOrEqual(1024);
    expect(event?.note.endsWith('…')).toBe(true);
    expect(event?.note).not.toContain('\ufffd');
  });

  test('that cannot be written are tried again', async () => {
    await cluster.setPolicy('five', { podSelector: {} });
    const known = await policy('five');
    const events = agent('n1');
    // Of a namespace that is gone.
    events.know(
      [...known].map(
        ([, now]) => ['gone/five', now && { ...now, namespace: 'gone', uid: 'another' }] as const,
      ),
    );
    events.know(known);
    events.refused(
      new Map([
        ['NetworkPolicy/gone/five', full],
        ['NetworkPolicy/default/five', full],
      ]),
    );
    await expect.poll(async () => (await written('five')).length, patiently).toBe(1);
    await expect.poll(() => errors.length, patiently).toBeGreaterThan(0);
    await cluster.api.must('POST', '/api/v1/namespaces', { metadata: { name: 'gone' } });
    const inGone = '/apis/events.k8s.io/v1/namespaces/gone/events';
    await expect
      .poll(
        async () => ((await cluster.api.must('GET', inGone)) as { items: unknown[] }).items.length,
        patiently,
      )
      .toBe(1);
  });
});
