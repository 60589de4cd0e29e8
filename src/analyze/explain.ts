/** Why somebody may or may not talk to somebody: the verdicts with rules, isolating policies and nearest misses. */
import { BulkheadError, failure } from '../errors.ts';
import { cidrContains } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import { describeHolder, describeProtocolPort } from '../policy/describe.ts';
import { evaluate } from '../policy/evaluate.ts';
import { claimantsOf, holderOf } from '../policy/holder.ts';
import type { Holder } from '../policy/holder.ts';
import type { Policy } from '../policy/ir.ts';
import { protocolNumbers } from '../policy/verdict.ts';
import type { DirectionVerdict, Flow, Verdict } from '../policy/verdict.ts';
import { resolveDestination, resolveSource } from './endpoint-query.ts';
import type { Endpoint } from './endpoint-query.ts';
import { parsePortQuery } from './port-query.ts';
import { targetsOf } from './targets.ts';
import type { Dnat, Target } from './targets.ts';

/** As the user writes it; endpoint-query.ts and port-query.ts say what each may be. */
export interface Question {
  readonly from: string;
  readonly to: string;
  readonly port: string;
}

/** One way from a source to a destination; replicas and families for which the same is decided by the same share it. */
export interface Path {
  /** Pod keys or addresses. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  /** From the first source to the first destination, after DNAT: this is what policies judge. */
  readonly flow: Flow;
  readonly source: Holder;
  readonly destination: Holder;
  /** What the client dials instead, if a Service stands before the destination. */
  readonly dnat?: Dnat;
  readonly verdict: Verdict;
}

export interface Explanation {
  readonly question: Question;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** `all`: every path is allowed. `some`: it depends on the replica, backend or family. */
  readonly summary: 'all' | 'some' | 'none';
  /** At least one. */
  readonly paths: readonly Path[];
  /** What else the reader should know, one sentence each. */
  readonly notes: readonly string[];
}

/** Throws BulkheadError with an `EXPLAIN_…` code when the question names what the cluster does not have. */
export function explain(cluster: Cluster, policies: readonly Policy[], question: Question): Explanation {
  const port = parsePortQuery(question.port);
  const from = resolveSource(cluster, policies, question.from);
  const to = resolveDestination(cluster, policies, question.to);
  const targets = targetsOf(cluster, to, port);
  const single = sourcesOf(from).flatMap((source) =>
    targets.flatMap((target) => pathBetween(cluster, policies, { source, target }) ?? []),
  );
  if (single.length === 0) throw noCommonFamily(question);
  const paths = mergeAlike(single);
  const allowed = paths.filter((path) => path.verdict.allowed).length;
  const summary = allowed === paths.length ? 'all' : allowed > 0 ? 'some' : 'none';
  return { question, from, to, summary, paths, notes: notesOn(cluster, single) };
}

interface Source {
  readonly name: string;
  readonly address: Address;
}

function sourcesOf(from: Endpoint): readonly Source[] {
  switch (from.kind) {
    case 'pods':
      return from.pods.flatMap((pod) => pod.addresses.map((address) => ({ name: pod.key, address })));
    case 'addresses':
      return from.addresses.map((address) => ({ name: address.text, address }));
    case 'service':
      throw new Error('a Service opens no connections');
  }
}

interface Ends {
  readonly source: Source;
  readonly target: Target;
}

/** Undefined between two families. */
function pathBetween(
  cluster: Cluster,
  policies: readonly Policy[],
  { source, target }: Ends,
): Path | undefined {
  if (source.address.family !== target.address.family) return undefined;
  const { protocol, port } = target;
  const flow: Flow = { source: source.address, destination: target.address, protocol, port };
  return {
    sources: [source.name],
    destinations: [target.name],
    flow,
    source: holderOf(cluster, flow.source),
    destination: holderOf(cluster, flow.destination),
    ...(target.dnat ? { dnat: target.dnat } : {}),
    verdict: evaluate(cluster, policies, flow),
  };
}

/** Paths that end alike for the same reasons become one, in the order of their first. */
function mergeAlike(paths: readonly Path[]): readonly Path[] {
  const groups = Map.groupBy(paths, ({ flow, dnat, verdict }) =>
    JSON.stringify([
      flow.port,
      protocolKind(flow.protocol),
      dnat?.port,
      ground(verdict.egress),
      ground(verdict.ingress),
    ]),
  );
  return groups
    .values()
    .flatMap(([first, ...others]) => {
      if (!first) return [];
      const all = [first, ...others];
      const sources = [...new Set(all.flatMap((path) => path.sources))];
      const destinations = [...new Set(all.flatMap((path) => path.destinations))];
      return [{ ...first, sources, destinations }];
    })
    .toArray();
}

/** ICMP has another number in each family. */
function protocolKind(protocol: number): number {
  return protocol === 58 ? 1 : protocol;
}

function ground({ reason, rule, isolatedBy }: DirectionVerdict): unknown {
  return [reason, rule?.origin, reason === 'default-deny' ? isolatedBy : undefined];
}

function notesOn(cluster: Cluster, paths: readonly Path[]): readonly string[] {
  return [
    ...new Set(
      paths.flatMap((path) => [
        ...hostNotes(path),
        ...claimNotes(cluster, path),
        ...nobodyNotes(cluster, path),
        ...nodePortNotes(cluster, path),
        ...listenerNotes(path),
      ]),
    ),
  ];
}

/** kube-proxy masquerades what it forwards to another node, so there the client's address is lost. */
function nodePortNotes(cluster: Cluster, { destination, flow }: Path): readonly string[] {
  if (destination.kind !== 'node') return [];
  const services = cluster.endpoints.filter(
    ({ port }) => port.nodePort === flow.port && protocolNumbers[port.protocol] === flow.protocol,
  );
  return services.map(
    ({ service, port }) =>
      `${describeProtocolPort(flow.protocol, flow.port)} is a NodePort of Service ${service}, port ${port.port}: its pods on that ` +
      "node judge the client's address, those on other nodes the address of the node that was asked.",
  );
}

/** To policies such an address is outside; the datapath is stricter, so that a new pod is isolated from the start. */
function nobodyNotes(cluster: Cluster, { source, destination }: Path): readonly string[] {
  return [source, destination].flatMap(({ kind, address }) => {
    if (kind !== 'external') return [];
    const node = cluster.nodes
      .values()
      .find(({ podCIDRs }) => podCIDRs.some((range) => cidrContains(range, address)));
    if (!node) return [];
    return [
      `${address.text} is in the pod range of node ${node.name}, but no pod has it: until one does, that node drops its packets, ` +
        'whatever the policies say.',
    ];
  });
}

/** Of a running cluster: where an address is given again, the API server tells of it at the pod before for a while. */
function claimNotes(cluster: Cluster, { source, destination }: Path): readonly string[] {
  return [source, destination].flatMap((holder) => {
    const [, ...others] = claimantsOf(cluster, holder.address);
    if (others.length === 0) return [];
    const claims = others.map((other) => {
      const isEnding = other.kind === 'pod' && other.pod.isEnding === true;
      return `${nameOf(other)}${isEnding ? ', which is being deleted' : ''}`;
    });
    return [
      `The API server gives ${holder.address.text} to ${claims.join(' and ')}, too: it is explained, and enforced, ` +
        `as that of ${nameOf(holder)}.`,
    ];
  });
}

function nameOf(holder: Holder): string {
  return holder.kind === 'node' ? `node ${holder.node.name}` : describeHolder(holder);
}

function hostNotes({ source, destination }: Path): readonly string[] {
  const nodes = [source, destination].filter(({ kind }) => kind === 'node');
  if (source.kind !== 'pod' && destination.kind !== 'pod') {
    return ['Neither end is a pod with an address of its own, so no policy applies.'];
  }
  return nodes.map(
    ({ address }) =>
      `${address.text} is a node's address: policies select neither nodes nor hostNetwork pods.`,
  );
}

function listenerNotes({ destination, flow }: Path): readonly string[] {
  if (destination.kind !== 'pod') return [];
  const { pod } = destination;
  const numbers: readonly number[] = Object.values(protocolNumbers);
  const declares = pod.ports.some(
    (has) => has.containerPort === flow.port && protocolNumbers[has.protocol] === flow.protocol,
  );
  if (declares || !numbers.includes(flow.protocol)) return [];
  return [
    `No container of ${pod.key} declares ${describeProtocolPort(flow.protocol, flow.port)}; perhaps nothing listens.`,
  ];
}

function noCommonFamily({ from, to }: Question): BulkheadError {
  return new BulkheadError(
    failure('EXPLAIN_NO_COMMON_FAMILY', `${from} and ${to} have no address family in common`, {
      hint: 'One has only IPv4 and the other only IPv6 addresses; ask about two of the same family.',
    }),
  );
}
