/** Sets with more port rows than there may be: what becomes of them, and of the others, once there is room again. */
import { expect, test } from 'vitest';
import { fromManifests, ingressPolicy, pod } from '../cluster.ts';
import { Followed } from './followed.ts';
import type { State } from './followed.ts';

const node = 'node-1';
const server = pod({ name: 'server', app: 'server', ip: '10.244.0.1' });
const other = pod({ name: 'other', app: 'other', ip: '10.244.0.2' });
const client = pod({ name: 'client', app: 'client', ip: '10.244.0.3' });

/** So many port rows, as no two ports are neighbours. */
const ports = (count: number, first = 1) =>
  `[${Array.from({ length: count }, (_, index) => `{ port: ${first + 2 * index} }`).join(', ')}]`;
const fromClient = (count: number) =>
  `[{ from: [{ podSelector: { matchLabels: { app: client } } }], ports: ${ports(count)} }]`;
const fromBlocks = (blocks: number, count: number) => {
  const rules = Array.from(
    { length: blocks },
    (_, index) =>
      `{ from: [{ ipBlock: { cidr: 192.0.2.${index}/32 } }], ports: ${ports(count, 1001 + 100 * index)} }`,
  );
  return `[${rules.join(', ')}]`;
};

const modest = ingressPolicy('modest', 'server', fromClient(20));
const large = ingressPolicy('large', 'other', `[{ ports: ${ports(90, 1001)} }]`);

function expectWhole(followed: Followed, state: State): void {
  expect(followed.compiler.isCut).toBe(false);
  followed.take(followed.compiler.deltas());
  expect(followed.held()).toEqual(followed.wanted(state));
}

test('a set that others left no room for is made anew once they are gone, though its own policies stay', () => {
  const followed = new Followed([node], { portRows: 100 });
  followed.move(fromManifests(server, other, modest, large));
  followed.update(fromManifests(server, other, client, modest, large));
  expect(followed.compiler.isCut).toBe(true);
  const after = fromManifests(server, other, client, modest);
  followed.update(after);
  expectWhole(followed, after);
});

test('the same of a set that is only kept ready, and of one that came with those that were too large', () => {
  const followed = new Followed([node], { portRows: 100, spareSets: 32 });
  followed.move(fromManifests(server, other, modest));
  followed.move(fromManifests(other, modest));
  followed.update(fromManifests(other, client, modest, large));
  expect(followed.compiler.isCut).toBe(true);
  const after = fromManifests(server, other, client, modest);
  followed.update(after);
  expectWhole(followed, after);
});

test('kinds of peers that there were once take no room', () => {
  const kinds = Array.from({ length: 10 }, (_, index) => `kind-${index}`);
  const rules = kinds.map(
    (kind, index) =>
      `{ from: [{ podSelector: { matchLabels: { app: ${kind} } } }], ports: ${ports(30, 1 + 100 * index)} }`,
  );
  const followed = new Followed([node], { portRows: 100 });
  for (const kind of kinds) {
    const changing = pod({ name: 'changing', app: kind, ip: '10.244.0.5' });
    const now = fromManifests(server, changing, ingressPolicy('kinds', 'server', `[${rules.join(', ')}]`));
    followed.update(now);
    expectWhole(followed, now);
  }
});

test('kinds of peers that there were once are forgotten', () => {
  const labels = Array.from({ length: 14 }, (_, index) => `label-${index}`);
  const rules = labels.map(
    (label, index) =>
      `{ from: [{ podSelector: { matchLabels: { ${label}: set } } }], ports: [{ port: ${80 + (index >> 1)} }] }`,
  );
  const policy = ingressPolicy('kinds', 'server', `[${rules.join(', ')}]`);
  const followed = new Followed([node]);
  const before = fromManifests(server, client, policy);
  followed.move(before);
  const [key, peer] = [...before.cluster.pods].find(([, { name }]) => name === 'client') ?? [];
  if (!key || !peer) throw new Error('there is no client');
  const classOf = (kind: number) => {
    const set = labels.filter((_, index) => (kind >> index) & 1);
    const now = { ...peer, labels: Object.fromEntries(set.map((label) => [label, 'set'])) };
    followed.compiler.update({ pods: [[key, now]] });
    followed.take(followed.compiler.deltas());
    const [row] = followed.tables(node).classes.values();
    return row?.class;
  };
  const first = classOf(1);
  for (let kind = 2; kind < 10_000; kind += 1) classOf(kind);
  expect(classOf(1)).not.toBe(first);
});

test('sets that are only kept ready go before others are cut for good', () => {
  const followed = new Followed([node], { portRows: 100, spareSets: 32 });
  followed.move(fromManifests(server, other, modest, large));
  followed.move(fromManifests(server, modest, large));
  const after = fromManifests(server, client, modest, large);
  followed.update(after);
  expect(followed.compiler.isCut).toBe(true);
  expect(followed.compiler.dropSpares()).toBe(true);
  expectWhole(followed, after);
});

test('the version before a policy that was too large has the room that it had', () => {
  const before = fromManifests(server, other, client, ingressPolicy('changing', 'other', fromClient(90)));
  const followed = new Followed([node], { portRows: 100 });
  followed.move(before);
  followed.update(
    fromManifests(server, other, client, ingressPolicy('changing', 'other', fromBlocks(30, 10))),
  );
  expect(followed.compiler.isCut).toBe(true);
  followed.update(before);
  expectWhole(followed, before);
});

test('what lets nobody in has room where nothing else has any', () => {
  const filling = ingressPolicy(
    'filling',
    'other',
    `[{ ports: ${ports(5)} }, ${fromBlocks(13, 10).slice(1)}`,
  );
  const followed = new Followed([node], { portRows: 100 });
  followed.move(fromManifests(server, other, filling));
  expect(followed.compiler.isCut).toBe(false);
  const after = fromManifests(server, other, filling, ingressPolicy('closed', 'server', '[]'));
  followed.update(after);
  expectWhole(followed, after);
});

const namespace = (name: string, team: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: ${name}, labels: { name: ${name}, team: ${team} } }`;
const podIn = (name: string, ip: string) =>
  pod({ name, app: name, ip }).replace('namespace: shop', `namespace: ${name}`);
const fromNamespaces = (labels: string, rest: string) =>
  `{ from: [{ namespaceSelector: { matchLabels: { ${labels} } } }], ports: ${rest} }`;

test('nothing is left of a set that was cut in the middle of a change', () => {
  const rules = [fromNamespaces('team: a', ports(20)), fromNamespaces('team: b', ports(20, 101))];
  const teams = ingressPolicy('teams', 'server', `[${rules.join(', ')}]`);
  const filling = `[{ ports: ${ports(50, 1001)} }, ${fromNamespaces('name: one', '[{ port: 1 }]')}]`;
  const fixed = [server, other, ingressPolicy('filling', 'other', filling)];
  const pods = [podIn('one', '10.244.0.7'), podIn('two', '10.244.0.8'), podIn('three', '10.244.0.9')];
  const labelled = (one: string, two: string) => [
    namespace('one', one),
    namespace('two', two),
    namespace('three', 'a'),
    ...pods,
    ...fixed,
  ];
  const followed = new Followed([node], { portRows: 130 });
  followed.move(fromManifests(...labelled('a', 'none'), teams));
  expect(followed.compiler.isCut).toBe(false);
  followed.update(fromManifests(...labelled('none', 'b'), teams));
  expect(followed.compiler.isCut).toBe(true);
  const after = fromManifests(...labelled('none', 'b'));
  followed.update(after);
  expectWhole(followed, after);
});
