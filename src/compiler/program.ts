/**
 * The compiled form of a cluster's policies: plain tables, the same for every datapath.
 *
 * A verdict for (source, destination, protocol, port) is
 *
 *   s = address(source), d = address(destination)            unknown address → longest matching cidr → identity 0
 *   egress:  lookup(s.egressSet,  d.identity, protocol, port)
 *   ingress: lookup(d.ingressSet, s.identity, protocol, port)
 *   allowed = egress ∧ ingress
 *
 *   lookup(set 0, …)  = allow (not isolated)
 *   lookup(set, id, protocol, port):
 *     class = classes[set][id] ?? classes[set][0] ?? deny
 *     entry = longest prefix in ports[class] of (protocol, port), else of (any protocol)   none → deny
 *
 * Identity 0 satisfies no peer predicate; classes[set][0] holds the rules that match any peer, and every other class
 * of the set has them merged in, so one class lookup decides.
 *
 * Ids are stable across compiles of the same Compiler: equal content keeps its id, changed content gets a fresh one,
 * and an id is never reused while a datapath could still hold it. (set, identity) → class and class → ports are pure
 * functions of the contents behind the ids, so those entries are only ever added or removed, never changed.
 */
import type { Address, Cidr } from '../objects/ip.ts';
import type { Origin } from '../policy/ir.ts';
import type { NamedPorts, PredicateId, Question } from './predicates.ts';

export type IdentityId = number;
/** Index of the compiled rules of one subject and direction; 0 = not isolated. */
export type SetId = number;
export type ClassId = number;
/** Small dense integer (index of the per-rule counters); 0 = no rule. */
export type RuleId = number;

/** Matches any protocol (the rules that name no ports). */
export const anyProtocol = 0;

export interface AddressEntry {
  readonly address: Address;
  readonly identity: IdentityId;
  readonly ingressSet: SetId;
  readonly egressSet: SetId;
  /** What holds the address. A node's own traffic to its pods is allowed and nodes are never subjects. */
  readonly owner:
    | { readonly kind: 'pod'; readonly pod: string; readonly node: string }
    | { readonly kind: 'node'; readonly node: string };
}

export interface CidrEntry {
  readonly cidr: Cidr;
  readonly identity: IdentityId;
}

export interface PortEntry {
  /** `anyProtocol`, or an IANA number. For `anyProtocol` port = 0 and prefixLength = 0. */
  readonly protocol: number;
  /** First port of the prefix. */
  readonly port: number;
  /** 0…16 leading bits of the port that count. */
  readonly prefixLength: number;
  readonly allow: boolean;
  /** The rule that decides here; 0 when a tier's default (next, to the end) does. */
  readonly rule: RuleId;
}

/** Everything one packet can match on within a set: an interned, canonical port table. */
export interface ClassEntry {
  readonly id: ClassId;
  /** Sorted by protocol, port, prefixLength. Empty: deny everything. */
  readonly ports: readonly PortEntry[];
}

export interface SetEntry {
  readonly id: SetId;
  readonly classes: ReadonlyMap<IdentityId, ClassId>;
  /** The policies that isolate the subjects of this set (for explaining a default deny). */
  readonly isolatedBy: readonly Origin[];
}

/** Exactly what some addresses satisfy. */
export interface Identity {
  readonly id: IdentityId;
  /** Ascending. */
  readonly predicates: readonly PredicateId[];
  /** Those that egress rules mention. */
  readonly ports: NamedPorts;
}

export interface Program {
  /** Keyed by canonical text. */
  readonly addresses: ReadonlyMap<string, AddressEntry>;
  /** Only those that say something else than the shorter prefix around them, shorter ones first. */
  readonly cidrs: readonly CidrEntry[];
  readonly sets: ReadonlyMap<SetId, SetEntry>;
  readonly classes: ReadonlyMap<ClassId, ClassEntry>;
  readonly rules: ReadonlyMap<RuleId, Origin>;
  readonly identities: ReadonlyMap<IdentityId, Identity>;
  readonly questions: ReadonlyMap<PredicateId, Question>;
}

/** What people want to know of the numbers in events. */
export interface Legend {
  readonly rules: Program['rules'];
  readonly sets: ReadonlyMap<SetId, Pick<SetEntry, 'isolatedBy'>>;
}
