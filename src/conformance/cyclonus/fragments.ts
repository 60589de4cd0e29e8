/** The pieces that Cyclonus' policies are made of, each with its meaning; and the policy that most cases vary. */
import type { Peer, PodFacts, Policy, Port, ProtocolName, Rule, Target } from './facts.ts';

const podIs =
  (...names: string[]) =>
  ({ labels }: PodFacts) =>
    names.includes(labels['pod'] ?? '');
const namespaceIs =
  (...names: string[]) =>
  ({ namespaceLabels }: PodFacts) =>
    names.includes(namespaceLabels['ns'] ?? '');
const anybody = () => true;

const inExpression = (key: string, values: readonly string[]) => ({
  matchExpressions: [{ key, operator: 'In', values }],
});

export const targets = {
  all: { title: 'all pods', yaml: {}, selects: anybody },
  a: { title: 'pod a', yaml: { matchLabels: { pod: 'a' } }, selects: podIs('a') },
  b: { title: 'pod b', yaml: { matchLabels: { pod: 'b' } }, selects: podIs('b') },
  c: { title: 'pod c', yaml: { matchLabels: { pod: 'c' } }, selects: podIs('c') },
  aOrB: { title: 'pods a and b', yaml: inExpression('pod', ['a', 'b']), selects: podIs('a', 'b') },
  isolated: {
    title: 'pods labelled isolated',
    yaml: { matchLabels: { target: 'isolated' } },
    selects: ({ labels }) => labels['target'] === 'isolated',
  },
} as const satisfies Readonly<Record<string, Target>>;

/** Peers by pod: how the podSelector is given, how the namespaceSelector is. */
export const podPeers: readonly Peer[] = [
  {
    title: 'empty podSelector',
    yaml: { podSelector: {} },
    includes: (pod, { namespace }) => pod.namespace === namespace,
  },
  {
    title: 'podSelector by label',
    yaml: { podSelector: { matchLabels: { pod: 'c' } } },
    includes: (pod, { namespace }) => podIs('c')(pod) && pod.namespace === namespace,
  },
  { title: 'empty namespaceSelector', yaml: { namespaceSelector: {} }, includes: anybody },
  {
    title: 'both selectors empty',
    yaml: { podSelector: {}, namespaceSelector: {} },
    includes: anybody,
  },
  {
    title: 'podSelector by label, empty namespaceSelector',
    yaml: { podSelector: { matchLabels: { pod: 'c' } }, namespaceSelector: {} },
    includes: podIs('c'),
  },
  {
    title: 'namespaceSelector by label',
    yaml: { namespaceSelector: { matchLabels: { ns: 'x' } } },
    includes: namespaceIs('x'),
  },
  {
    title: 'empty podSelector, namespaceSelector by label',
    yaml: { podSelector: {}, namespaceSelector: { matchLabels: { ns: 'x' } } },
    includes: namespaceIs('x'),
  },
  {
    title: 'both selectors by label',
    yaml: { podSelector: { matchLabels: { pod: 'c' } }, namespaceSelector: { matchLabels: { ns: 'x' } } },
    includes: (pod) => podIs('c')(pod) && namespaceIs('x')(pod),
  },
];

/** Blocks around z/c that leave eight and four bits open: who is in them stands in conformance/models.yaml. */
const inEightBits = ['x/b', 'y/a', 'y/c', 'z/b', 'z/c'];
const inFourBits = ['y/c', 'z/b', 'z/c'];

export const blockPeers: readonly Peer[] = [
  {
    title: 'ipBlock',
    yaml: { ipBlock: { cidr: '<z/c>/-8' } },
    includes: ({ key }, { over }) => over === 'primary' && inEightBits.includes(key),
  },
  {
    title: 'ipBlock with except',
    yaml: { ipBlock: { cidr: '<z/c>/-8', except: ['<z/c>/-4'] } },
    includes: ({ key }, { over }) =>
      over === 'primary' && inEightBits.includes(key) && !inFourBits.includes(key),
  },
];

/** Peers that single cases use. */
export const peers = {
  bOrCInXOrY: {
    title: 'pods b and c in x and y',
    yaml: { podSelector: inExpression('pod', ['b', 'c']), namespaceSelector: inExpression('ns', ['x', 'y']) },
    includes: (pod) => podIs('b', 'c')(pod) && namespaceIs('x', 'y')(pod),
  },
  aOrBInYOrZ: {
    title: 'pods a and b in y and z',
    yaml: { podSelector: inExpression('pod', ['a', 'b']), namespaceSelector: inExpression('ns', ['y', 'z']) },
    includes: (pod) => podIs('a', 'b')(pod) && namespaceIs('y', 'z')(pod),
  },
  bOrCNotInX: {
    title: 'pods b and c outside x',
    yaml: {
      podSelector: inExpression('pod', ['b', 'c']),
      namespaceSelector: { matchExpressions: [{ key: 'ns', operator: 'NotIn', values: ['x'] }] },
    },
    includes: (pod) => podIs('b', 'c')(pod) && !namespaceIs('x')(pod),
  },
  namespaceZByName: {
    title: 'the namespace called z',
    yaml: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'z' } } },
    includes: ({ namespace }) => namespace === 'z',
  },
  namespaceY: {
    title: 'namespaces labelled y',
    yaml: { namespaceSelector: { matchLabels: { ns: 'y' } } },
    includes: namespaceIs('y'),
  },
  aInX: {
    title: 'pod a in x',
    yaml: { podSelector: { matchLabels: { pod: 'a' } }, namespaceSelector: { matchLabels: { ns: 'x' } } },
    includes: (pod) => podIs('a')(pod) && namespaceIs('x')(pod),
  },
  aInY: {
    title: 'pod a in y',
    yaml: { podSelector: { matchLabels: { pod: 'a' } }, namespaceSelector: { matchLabels: { ns: 'y' } } },
    includes: (pod) => podIs('a')(pod) && namespaceIs('y')(pod),
  },
  bHere: {
    title: 'pod b of the same namespace',
    yaml: { podSelector: { matchLabels: { pod: 'b' } } },
    includes: (pod, { namespace }) => podIs('b')(pod) && pod.namespace === namespace,
  },
  namespaceNewlyLabelled: {
    title: 'namespaces with a label that comes later',
    yaml: { namespaceSelector: { matchLabels: { 'new-ns': 'qrs' } } },
    includes: ({ namespaceLabels }) => namespaceLabels['new-ns'] === 'qrs',
  },
  podNewlyLabelledInYOrZ: {
    title: 'pods in y and z with a label that comes later',
    yaml: {
      podSelector: { matchLabels: { 'new-label': 'abc' } },
      namespaceSelector: inExpression('ns', ['y', 'z']),
    },
    includes: (pod) => pod.labels['new-label'] === 'abc' && namespaceIs('y', 'z')(pod),
  },
  namespaceUpdated: {
    title: 'namespaces labelled ns2',
    yaml: { namespaceSelector: { matchLabels: { ns2: 'updated' } } },
    includes: ({ namespaceLabels }) => namespaceLabels['ns2'] === 'updated',
  },
  bUpdatedHere: {
    title: 'pod b, once it is labelled pod2',
    yaml: { podSelector: { matchLabels: { pod: 'b', pod2: 'updated' } } },
    includes: (pod, { namespace }) =>
      podIs('b')(pod) && pod.labels['pod2'] === 'updated' && pod.namespace === namespace,
  },
  everyPod: { title: 'every pod', yaml: { namespaceSelector: {} }, includes: anybody },
  noPod: {
    title: 'no pod',
    yaml: { namespaceSelector: { matchLabels: { 'this-will-never-happen': 'qrs123' } } },
    includes: () => false,
  },
  everyAddress: {
    title: 'every address',
    yaml: { ipBlock: { cidr: '<any>/0' } },
    includes: (_pod, { over }) => over === 'primary',
  },
  noAddress: { title: 'no address', yaml: { ipBlock: { cidr: '<any>/-1' } }, includes: () => false },
} as const satisfies Readonly<Record<string, Peer>>;

/** `protocol` and `port` as they are written; absent protocol is TCP, absent port is any. */
export function numbered(protocol?: ProtocolName, port?: number, endPort?: number): Port {
  const last = endPort ?? port;
  return {
    yaml: {
      ...(protocol === undefined ? {} : { protocol }),
      ...(port === undefined ? {} : { port }),
      ...(endPort === undefined ? {} : { endPort }),
    },
    opens: (asked) =>
      asked.protocol === (protocol ?? 'TCP') &&
      (port === undefined || last === undefined || (port <= asked.port && asked.port <= last)),
  };
}

/** A name that pods give to this number of this protocol: `serve-81-udp`. A rule for another protocol opens nothing. */
export function named(
  protocol: ProtocolName | undefined,
  name: { readonly port: number; readonly protocol: ProtocolName },
): Port {
  return {
    yaml: {
      ...(protocol === undefined ? {} : { protocol }),
      port: `serve-${name.port}-${name.protocol.toLowerCase()}`,
    },
    opens: (asked) =>
      name.protocol === (protocol ?? 'TCP') && asked.protocol === name.protocol && asked.port === name.port,
  };
}

/** Pods must be able to look names up, or they could not be called by them. */
export const allowDns: Rule = { ports: [numbered('UDP', 53), numbered('TCP', 53)] };

const tcp80 = numbered('TCP', 80);

/** x/a takes TCP 80 from b and c in x and y, and may open it to a and b in y and z. */
export const base: Policy & { readonly ingress: readonly Rule[]; readonly egress: readonly Rule[] } = {
  namespace: 'x',
  name: 'base',
  target: targets.a,
  ingress: [{ ports: [tcp80], peers: [peers.bOrCInXOrY] }],
  egress: [{ ports: [tcp80], peers: [peers.aOrBInYOrZ] }, allowDns],
};

export type Direction = 'ingress' | 'egress';
export const directions: readonly Direction[] = ['ingress', 'egress'];

/** The base policy with other peers or ports in the first rule of one direction. */
export function vary(direction: Direction, change: Rule): Policy {
  const [first, ...rest] = base[direction];
  return { ...base, [direction]: [{ ...first, ...change }, ...rest] };
}
