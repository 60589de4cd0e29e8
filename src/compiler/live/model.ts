/** What the live compiler knows of addresses, and of whom rules can tell apart among them. All of it changes in place. */
import type { Address } from '../../objects/ip.ts';
import type { Labels, Pod } from '../../objects/model.ts';
import type { Direction } from '../../policy/ir.ts';
import type { NamedPorts, PortName, PredicateId } from '../predicates.ts';
import type { Cell } from './cell-tree.ts';
import type { LabelIndex } from './label-index.ts';
import type { RuleSet } from './rule-sets.ts';
import type { SmallSet } from './small-set.ts';

export interface NamespaceState {
  readonly name: string;
  /** Undefined where nothing declares the namespace: no namespace selector matches it. */
  labels: Labels | undefined;
  /** Number of all its profiles. */
  users: number;
  /** Those that know their predicates, or did until the labels changed. */
  readonly profiles: LabelIndex<Profile>;
}

/** See profiles.ts. */
export interface Profile {
  readonly key: string;
  readonly namespace: NamespaceState;
  /** Those that some selector mentions: a pod with more of them has another profile once they are mentioned. */
  readonly labels: Labels;
  /** Those that some rule mentions. */
  readonly ports: NamedPorts;
  /** As of its predicates. */
  asked: AskedPorts;
  /** Apart from blocks, ascending. Undefined: to be found. */
  predicates: readonly PredicateId[] | undefined;
  readonly atoms: Map<Cell, Atom>;
  /** Number of the profile's pods, with or without an address that is theirs. */
  pods: number;
  /** Addresses of its pods by the enforced node that they are on. */
  readonly local: Map<string, number>;
  /** Undefined: not isolated, or no pod is local. */
  readonly sets: Record<Direction, RuleSet | undefined>;
}

export type Owner =
  | { readonly kind: 'pod'; pod: Pod; readonly profile: Profile }
  | { readonly kind: 'node'; readonly node: string };

/** An address that somebody holds. */
export interface Held {
  readonly address: Address;
  owner: Owner;
  /** Who claims it too, and lost: pods win over nodes, then the smaller name. */
  losers: readonly Owner[];
  atom: Atom | undefined;
}

/** Addresses that nothing can tell apart: of one profile (or of nodes and strangers), in one cell. */
export interface Atom {
  readonly profile: Profile | undefined;
  readonly cell: Cell;
  identity: Identity;
  readonly addresses: SmallSet<Held>;
  /** The same, as deltas name them; undefined: to be listed. */
  listed: readonly Address[] | undefined;
}

/** Ports by those names that egress rules ask for. Equal predicates, equal ports: a number of a name is one of them. */
export interface AskedPorts {
  readonly ports: NamedPorts;
  /** Equal text ⇔ equal ports. */
  readonly key: string;
}

export const nothingAsked: AskedPorts = { ports: new Map(), key: '' };

/** Exactly what some atoms satisfy. Where all of them change alike, so does it. */
export interface Identity {
  /** Ascending. */
  predicates: readonly PredicateId[];
  readonly asked: AskedPorts;
  readonly atoms: SmallSet<Atom>;
}

/** The predicate that every pod satisfies, whether or not a rule asks for it. */
export const isPod: PredicateId = 0;

/** What a rule can reach an identity by: a predicate that it tests, a port name that it asks for. */
export type Handle = PredicateId | PortName;

export function sameIds(a: readonly PredicateId[], b: readonly PredicateId[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

/** What only one of the two has; both ascending. */
export function apart(a: readonly PredicateId[], b: readonly PredicateId[]): PredicateId[] {
  const found: PredicateId[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [left, right] = [a[i] ?? Infinity, b[j] ?? Infinity];
    if (left !== right) found.push(Math.min(left, right));
    if (left <= right) i += 1;
    if (right <= left) j += 1;
  }
  return found;
}

/** What rules can reach the identity by. */
export function handlesOf({ predicates, asked }: Identity): readonly Handle[] {
  return asked.ports.size > 0 ? [...predicates, ...asked.ports.keys()] : predicates;
}

export function addressesOf(atom: Atom): readonly Address[] {
  return (atom.listed ??= Array.from(atom.addresses, ({ address }) => address));
}

export function nodeOf(owner: Owner): string {
  return owner.kind === 'pod' ? owner.pod.node : owner.node;
}
