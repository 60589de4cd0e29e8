/** What a node must make of a packet, from its headers, what conntrack says, and the oracle: docs/datapath.md in short. */
import type { Program } from '../../../src/compiler/program.ts';
import type { DatapathReason } from '../../../src/datapath/datapath.ts';
import type { Address } from '../../../src/objects/ip.ts';
import type { Cluster, Node } from '../../../src/objects/model.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Policy } from '../../../src/policy/ir.ts';
import { NodeView, nobody, notAsked, unprogrammed } from '../../datapath/node-view.ts';
import type { Expected } from '../../datapath/node-view.ts';
import type { Tracking } from '../../datapath/nftables/interpreted.ts';
import type { Headers } from './headers.ts';

export type Hook = 'forward' | 'local-in';

export interface Seen {
  readonly hook: Hook;
  readonly tracking: Tracking;
  /** Undefined: not even the addresses can be read. */
  readonly headers: Headers | undefined;
}

export interface PacketVerdict {
  readonly accepted: boolean;
  /** The direction that denied, else the one that had somebody to enforce for. */
  readonly reason: DatapathReason;
  /** Both directions, if the tables were asked. */
  readonly asked?: { readonly egress: Expected; readonly ingress: Expected };
}

const malformed: Expected = { allowed: false, reason: 'malformed' };

function pass(reason: DatapathReason): PacketVerdict {
  return { accepted: true, reason };
}

function drop(reason: DatapathReason): PacketVerdict {
  return { accepted: false, reason };
}

/** Messages that quote a packet: RFC 792, RFC 4443 §2.1. */
export function isError({ family, icmpType }: Headers): boolean {
  if (icmpType === undefined) return false;
  return family === 6 ? icmpType < 128 : [3, 4, 5, 11, 12].includes(icmpType);
}

export class World {
  readonly cluster: Cluster;
  readonly #policies: readonly Policy[];
  readonly #view: NodeView;

  constructor(options: { cluster: Cluster; policies: readonly Policy[]; program: Program; node: Node }) {
    this.cluster = options.cluster;
    this.#policies = options.policies;
    this.#view = new NodeView(options);
  }

  isLocalPod(address: Address): boolean {
    return this.#view.isLocalPod(address);
  }

  judge({ hook, tracking, headers }: Seen): PacketVerdict {
    const isReply = tracking === 'reply';
    if (hook === 'local-in' && isReply) return pass('reply');
    if (!headers) return drop('malformed');
    if (hook === 'local-in' && isHostDiscovery(headers)) return pass('neighbour-discovery');
    if (hook === 'forward' && headers.source.text === headers.destination.text) return pass('self');
    // Its own node sees to it that a pod reports only on what was sent to it.
    if (
      isError(headers) &&
      headers.quotedDestination?.text !== headers.source.text &&
      this.#view.isLocalPod(headers.source)
    )
      return drop('malformed');
    if ((tracking === 'related' || tracking === 'relatedReply') && isRelatedError(headers))
      return pass('related');
    const { egress, ingress } = this.#ask(headers, { hook, isReply });
    const accepted = egress.allowed && ingress.allowed;
    if (accepted && isReply) return pass('reply');
    const { reason } = !egress.allowed || ingress.reason === 'no-subject' ? egress : ingress;
    return { accepted, reason, asked: { egress, ingress } };
  }

  #ask(headers: Headers, { hook, isReply }: { hook: Hook; isReply: boolean }) {
    const flow = isReply
      ? { source: headers.destination, destination: headers.source, port: headers.sourcePort }
      : { source: headers.source, destination: headers.destination, port: headers.port };
    const oracle = evaluate(this.#seenOnTheWay, this.#policies, { ...flow, protocol: headers.protocol });
    const egress = this.#view.expected(flow.source, headers.whole ? oracle.egress : malformed);
    if (hook === 'local-in') {
      const isRouting = headers.family === 6 && [134, 137].includes(headers.icmpType ?? 0);
      const routed = isRouting && this.#view.isLocalPod(flow.source);
      return {
        egress: routed ? ({ allowed: false, reason: 'neighbour-discovery' } as const) : egress,
        ingress: nobody,
      };
    }
    const ingress = this.#view.expected(flow.destination, headers.whole ? oracle.ingress : malformed);
    if (egress === unprogrammed) return { egress, ingress: nobody };
    if (ingress === unprogrammed) return { egress: notAsked, ingress };
    return { egress, ingress };
  }

  /** What the node itself sends goes by another hook: a packet on its way that claims the node's address has no privilege. */
  get #seenOnTheWay(): Cluster {
    const pods = [...this.cluster.pods].map(([key, pod]) => [key, { ...pod, node: 'elsewhere' }] as const);
    return { ...this.cluster, pods: new Map(pods) };
  }

  /** Local-in: the node has the address itself, and the compiler may hold it for one that nobody has yet. */
  isUnprogrammed(headers: Headers): boolean {
    return this.#view.expected(headers.destination, nobody) === unprogrammed;
  }
}

/** RFC 4861, RFC 3810: only from the link itself. */
function isHostDiscovery({ family, icmpType = 0, hopLimit }: Headers): boolean {
  if (family === 4) return false;
  return (
    ([133, 135, 136].includes(icmpType) && hopLimit === 255) ||
    ([131, 132, 143].includes(icmpType) && hopLimit === 1)
  );
}

function isRelatedError({ family, icmpType }: Headers): boolean {
  if (icmpType === undefined) return false;
  return family === 6 ? icmpType < 128 : [3, 11, 12].includes(icmpType);
}
