/** Rules that overlap, with a port each: as many port rows as the square of their number. */
import { expect, test } from 'vitest';
import { setUp } from './node-stand.ts';
import { flowTo, pod, policy, state, updateBetween, world } from './two-pods.ts';

const overlapping = (count: number) =>
  policy('multiplying', []).replace(
    /ingress: .*/,
    `ingress: [${Array.from({ length: count }, (_, index) => {
      const block = `{ cidr: 0.0.0.0/0, except: [198.51.${index >> 8}.${index & 255}/32] }`;
      return `{ from: [{ ipBlock: ${block} }], ports: [{ port: ${2 * index + 1} }] }`;
    }).join(', ')}]`,
  );
const multiplying = overlapping(400);

test('are not even worked out, and close the pods that they select', () => {
  const { enforcer, datapath } = setUp();
  const before = state(`${world}${policy('kept', [80])}`);
  enforcer.update(updateBetween(undefined, before));
  const after = state(`${world}${policy('kept', [80])}${multiplying}`);
  enforcer.update(updateBetween(before, after));
  expect(enforcer.behind).toBeUndefined();
  expect([...enforcer.refusals].map(([id, { code, enforced }]) => [id, code, enforced])).toEqual([
    ['NetworkPolicy/x/multiplying', 'DATAPATH_FULL', 'closed'],
  ]);
  const [refusal] = [...enforcer.refusals].map(([, one]) => one);
  expect(refusal?.message).toMatch(/more than 131072 rows of "ports", which is the most/);
  expect(refusal?.hint).toContain('--table-memory does not change this');
  expect(datapath().model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
  expect(datapath().model.judge(flowTo(after.cluster, 81)).allowed).toBe(false);
  const late = state(`${world}${policy('kept', [81])}${multiplying}`);
  enforcer.update(updateBetween(after, late));
  expect(datapath().model.judge(flowTo(late.cluster, 81)).allowed).toBe(true);
  expect(enforcer.retryRefused()).toBe(false);
  enforcer.update(updateBetween(late, state(`${world}${policy('kept', [82])}`)));
  expect([...enforcer.refusals]).toEqual([]);
  expect(datapath().model.judge(flowTo(late.cluster, 82)).allowed).toBe(true);
});

test('are refused when a pod comes that they select', () => {
  const ofLate = multiplying.replace('app: server', 'app: late');
  const { enforcer, datapath } = setUp();
  const before = state(`${world}${ofLate}`);
  enforcer.update(updateBetween(undefined, before));
  expect([...enforcer.refusals]).toEqual([]);
  const after = state(`${world}${ofLate}${pod('late', '10.0.0.4')}${policy('server', [80])}`);
  enforcer.update(updateBetween(before, after));
  expect(enforcer.behind).toBeUndefined();
  expect([...enforcer.refusals].map(([id, { enforced }]) => [id, enforced])).toEqual([
    ['NetworkPolicy/x/multiplying', 'closed'],
  ]);
  const late = after.cluster.pods.get('x/late')?.addresses[0];
  expect(late && datapath().model.judge({ ...flowTo(after.cluster, 1), destination: late }).allowed).toBe(
    false,
  );
  expect(datapath().model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
  expect(datapath().model.judge(flowTo(after.cluster, 1)).allowed).toBe(false);
});

test('close nobody but themselves where they have left no room for a new kind of peer', () => {
  const ports = Array.from({ length: 800 }, (_, index) => 2 * index + 1);
  const fromLate = policy('kept', ports).replace(
    'ingress: [{',
    'ingress: [{ from: [{ podSelector: { matchLabels: { app: late } } }],',
  );
  const ofClient = overlapping(361).replace('app: server', 'app: client');
  const { enforcer, datapath } = setUp();
  const before = state(`${world}${fromLate}${ofClient}`);
  enforcer.update(updateBetween(undefined, before));
  expect([...enforcer.refusals.keys()]).toEqual([]);
  const after = state(`${world}${fromLate}${ofClient}${pod('late', '10.0.0.4')}`);
  enforcer.update({ pods: after.cluster.pods });
  expect(enforcer.behind).toBeUndefined();
  expect([...enforcer.refusals.keys()]).toEqual(['NetworkPolicy/x/multiplying']);
  const late = after.cluster.pods.get('x/late')?.addresses[0];
  expect(late && datapath().model.judge({ ...flowTo(after.cluster, 1), source: late }).allowed).toBe(true);
});
