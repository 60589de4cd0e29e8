/** Cyclonus' families that vary the base policy: who is selected, whether there are rules, for whom, on which ports. */
import {
  base,
  blockPeers,
  directions,
  named,
  numbered,
  peers,
  podPeers,
  targets,
  vary,
} from './fragments.ts';
import type { Port } from './facts.ts';
import { protocols } from './facts.ts';
import { single } from './generated-case.ts';
import type { Untold } from './generated-case.ts';

/** Three namespaces, three podSelectors. */
export const targetCases: readonly Untold[] = [
  ...['x', 'y', 'z'].map((namespace) =>
    single(`The policy is in namespace ${namespace}`, { ...base, namespace }),
  ),
  ...[targets.all, targets.a, targets.aOrB].map((target) =>
    single(`The policy selects ${target.title}`, { ...base, target }),
  ),
];

/** No rule and an empty one. */
export const rulesCases: readonly Untold[] = directions.flatMap((direction) => [
  single(`${direction}: no rules deny all`, { ...base, [direction]: [] }),
  single(`${direction}: an empty rule allows all`, { ...base, [direction]: [{}] }),
]);

/** None, each alone, and each with each other. */
export const peersCases: readonly Untold[] = directions.flatMap((direction) => {
  const all = [...podPeers, ...blockPeers];
  const pairs = all.flatMap((first, index) => all.slice(index + 1).map((second) => [first, second] as const));
  return [
    single(`${direction}: an empty list of peers is everybody`, vary(direction, { peers: [] })),
    ...all.map((peer) => single(`${direction}: ${peer.title}`, vary(direction, { peers: [peer] }))),
    ...pairs.map(([first, second]) =>
      single(`${direction}: ${first.title}, or ${second.title}`, vary(direction, { peers: [first, second] })),
    ),
  ];
});

const portTitle = ({ yaml }: Port): string =>
  JSON.stringify(yaml).replaceAll('"', '').slice(1, -1) || 'nothing given';

/** Any protocol and TCP, UDP, SCTP by any port, 80 and 81; by name; ranges. */
const singlePorts: readonly Port[] = [
  ...[undefined, ...protocols].flatMap((protocol) =>
    [undefined, 80, 81].map((port) => numbered(protocol, port)),
  ),
  ...protocols.flatMap((protocol) => [80, 81].map((port) => named(protocol, { port, protocol }))),
  ...protocols.flatMap((protocol) => [80, 84].map((endPort) => numbered(protocol, 53, endPort))),
];

/** Names and numbers that nothing stands behind. */
const pathologicalPorts: readonly { readonly title: string; readonly port: Port }[] = [
  { title: 'a port name of another protocol', port: named('TCP', { port: 81, protocol: 'UDP' }) },
  { title: 'a port name that nobody has', port: named('TCP', { port: 7981, protocol: 'UDP' }) },
  { title: 'a port that nobody serves', port: numbered('TCP', 7981) },
];

const portPairs: readonly (readonly [Port, Port])[] = [
  [numbered(), numbered(undefined, 80)],
  [numbered(), named(undefined, { port: 80, protocol: 'TCP' })],
  [numbered(), numbered('UDP')],
  [numbered(undefined, 80), numbered(undefined, 81)],
  [numbered(undefined, 80), named(undefined, { port: 81, protocol: 'TCP' })],
  [numbered(undefined, 80), named('UDP', { port: 81, protocol: 'UDP' })],
  [numbered('UDP', 80), named('UDP', { port: 81, protocol: 'UDP' })],
];

export const portsCases: readonly Untold[] = directions.flatMap((direction) => [
  single(
    `${direction}: an empty list of ports is every port of every protocol`,
    vary(direction, { ports: [] }),
  ),
  ...singlePorts.map((port) =>
    single(`${direction}: ${portTitle(port)}`, vary(direction, { ports: [port] })),
  ),
  ...pathologicalPorts.map(({ title, port }) =>
    single(`${direction}: ${title}`, vary(direction, { ports: [port] })),
  ),
  ...portPairs.map((pair) =>
    single(`${direction}: ${pair.map(portTitle).join(', or ')}`, vary(direction, { ports: pair })),
  ),
]);

export const namespaceCases: readonly Untold[] = directions.map((direction) =>
  single(
    `${direction}: a namespace by the label of its name`,
    vary(direction, { peers: [peers.namespaceZByName] }),
  ),
);
