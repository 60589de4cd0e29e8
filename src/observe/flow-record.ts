/** A flow event as people read it: who, whom, what, the verdict, and the line of YAML that decided. */
import type { DatapathReason, FlowEvent } from '../datapath/datapath.ts';
import { formatPosition } from '../errors.ts';
import { makeAddress } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';
import type { Pod } from '../objects/model.ts';
import { describeOrigin } from '../policy/describe.ts';
import { evaluate } from '../policy/evaluate.ts';
import type { Direction, Origin } from '../policy/ir.ts';
import { protocolNumbers } from '../policy/verdict.ts';
import type { Flow } from '../policy/verdict.ts';
import type { PolicyRefusal, Snapshot } from './history.ts';
import { holderIn } from './holders.ts';

/** One end of a flow. `port` is absent where the protocol has none. */
export interface FlowEnd {
  readonly kind: 'pod' | 'node' | 'external';
  /** `namespace/pod`, the node's name, or the address. */
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  /** `Deployment/cart`, of pods that a controller made. */
  readonly workload?: string;
}

/** A policy, or one rule of it, by name and place. */
export interface PolicyReference {
  /** `namespace/name`. */
  readonly policy: string;
  /** Index in the policy's list of this direction; absent when the policy as a whole is meant. */
  readonly ruleIndex?: number;
  /** For people: `NetworkPolicy shop/cart, ingress rule 1`. */
  readonly text: string;
  /** `file:line:column`. */
  readonly position: string;
  /** It was not enforced as it stood. */
  readonly refused?: PolicyRefusal;
}

export interface Decision {
  readonly direction: Direction;
  readonly node: string;
  readonly allowed: boolean;
  readonly reason: DatapathReason;
  readonly rule?: PolicyReference;
  /** The policies that isolate the pod in this direction. */
  readonly isolatedBy: readonly PolicyReference[];
  /** For a default deny, closest first. */
  readonly nearMisses: readonly { readonly rule: PolicyReference; readonly detail: string }[];
}

export interface FlowRecord {
  /** RFC 3339 with milliseconds. */
  readonly time: string;
  readonly verdict: 'allowed' | 'denied';
  readonly protocol: string;
  readonly source: FlowEnd;
  readonly destination: FlowEnd;
  /** Of the directions that some node judged, egress before ingress. */
  readonly decisions: readonly Decision[];
}

/** An event with what is needed to explain it later; explaining is left to whoever reads it. */
export interface ObservedEvent {
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly wallTime: number;
  readonly event: FlowEvent;
  readonly snapshot: Snapshot;
}

/**
 * Explains the events of one connection: one, or the egress and the ingress half that two nodes saw. `nearMisses` asks
 * the oracle, which takes its time in a large cluster.
 */
export function toFlowRecord(
  halves: readonly [ObservedEvent, ...ObservedEvent[]],
  { nearMisses = true }: { readonly nearMisses?: boolean } = {},
): FlowRecord {
  const [first] = halves;
  const { event } = first;
  const decisions = halves.flatMap((half) => decisionsOf(half, nearMisses));
  return {
    time: new Date(first.wallTime).toISOString(),
    verdict: halves.every((half) => half.event.allowed) ? 'allowed' : 'denied',
    protocol: protocolName(event.protocol),
    source: flowEnd(first, { address: sourceOf(event), port: event.sourcePort }),
    destination: flowEnd(first, { address: destinationOf(event), port: event.port }),
    decisions: decisions.sort((a, b) =>
      a.direction === b.direction ? 0 : a.direction === 'egress' ? -1 : 1,
    ),
  };
}

export function sourceOf(event: FlowEvent): Address {
  return makeAddress(event.family, bitsOf(event.source));
}

export function destinationOf(event: FlowEvent): Address {
  return makeAddress(event.family, bitsOf(event.destination));
}

/** The pod that has the address, in the snapshot that judged the event. */
export function podAt(snapshot: Snapshot, address: Address): Pod | undefined {
  const holder = holderIn(snapshot.cluster, address);
  return holder?.kind === 'pod' ? holder.pod : undefined;
}

function bitsOf(bytes: Uint8Array): bigint {
  return bytes.reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
}

const protocolNames = new Map<number, string>([
  ...Object.entries(protocolNumbers).map(([name, number]) => [number, name] as const),
  [1, 'ICMP'],
  [58, 'ICMPv6'],
]);

function protocolName(protocol: number): string {
  return protocolNames.get(protocol) ?? `IP ${protocol}`;
}

const protocolsWithPorts: ReadonlySet<number> = new Set(Object.values(protocolNumbers));

function flowEnd(half: ObservedEvent, { address, port }: { address: Address; port: number }): FlowEnd {
  const shown = protocolsWithPorts.has(half.event.protocol) ? { port } : {};
  const base = { address: address.text, ...shown };
  const pod = podAt(half.snapshot, address);
  if (pod) {
    const workload = pod.owner ? { workload: `${pod.owner.kind}/${pod.owner.name}` } : {};
    return { kind: 'pod', name: pod.key, ...base, ...workload };
  }
  const holder = holderIn(half.snapshot.cluster, address);
  return holder?.kind === 'node'
    ? { kind: 'node', name: holder.node.name, ...base }
    : { kind: 'external', name: address.text, ...base };
}

/** A node judges only the directions of its own pods; the other end of the flow is `no-subject` to it. */
function decisionsOf(half: ObservedEvent, nearMisses: boolean): Decision[] {
  const { event } = half;
  const directions: readonly Direction[] = ['egress', 'ingress'];
  const judged = directions.filter((direction) => isJudged(event, direction));
  return judged.map((direction) => decisionOf(half, direction, nearMisses));
}

/** Whether the event's node judged this direction; a deny on egress leaves ingress unjudged. */
export function isJudged(event: FlowEvent, direction: Direction): boolean {
  const { reason } = event[direction];
  return reason !== 'none' && reason !== 'no-subject';
}

function decisionOf(half: ObservedEvent, direction: Direction, nearMisses: boolean): Decision {
  const { event, snapshot, node } = half;
  const { reason, rule, set } = event[direction];
  const origin = snapshot.legend.rules.get(rule);
  const reference = (of: Origin) => toReference(of, snapshot);
  const denied = !event.allowed && (direction === 'ingress' || !isJudged(event, 'ingress'));
  return {
    direction,
    node,
    allowed: !denied,
    reason,
    ...(origin ? { rule: reference(origin) } : {}),
    isolatedBy: (snapshot.legend.sets.get(set)?.isolatedBy ?? []).map(reference),
    nearMisses: nearMisses && denied && reason === 'default-deny' ? nearMissesOf(half, direction) : [],
  };
}

function toReference(origin: Origin, { refusals }: Snapshot): PolicyReference {
  const refusal = refusals?.get(`${origin.dialect}/${origin.namespace}/${origin.name}`);
  return {
    policy: `${origin.namespace}/${origin.name}`,
    ...(origin.ruleIndex === undefined ? {} : { ruleIndex: origin.ruleIndex }),
    text: describeOrigin(origin),
    position: formatPosition(origin.position),
    ...(refusal ? { refused: refusalOf(refusal) } : {}),
  };
}

/** Without what else its reporter knows. */
function refusalOf({ code, message, enforced }: PolicyRefusal): PolicyRefusal {
  return { code, message, enforced };
}

function nearMissesOf({ event, snapshot }: ObservedEvent, direction: Direction): Decision['nearMisses'] {
  const flow: Flow = {
    source: sourceOf(event),
    destination: destinationOf(event),
    protocol: event.protocol,
    port: event.port,
  };
  const verdict = evaluate(snapshot.cluster, snapshot.policies, flow)[direction];
  return verdict.nearMisses.map(({ rule, detail }) => ({ rule: toReference(rule.origin, snapshot), detail }));
}
