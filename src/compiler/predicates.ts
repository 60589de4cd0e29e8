/**
 * Everything that policies can ask of a peer address, as numbered yes-or-no questions: is it one of these pods, is it
 * in this block, does its pod call this number by that port name? Equal questions share a number.
 */
import { cidrContainsCidr } from '../objects/ip.ts';
import type { LabelSelector, Protocol } from '../objects/model.ts';
import type { Peer, PodMatch } from '../policy/ir.ts';
import type { Interner } from './interner.ts';
import type { Block } from './cidr-cells.ts';
import { PodIndex } from './pod-index.ts';

export type PredicateId = number;

type PodPeer = Extract<Peer, { kind: 'pods' }>;
type BlockPeer = Extract<Peer, { kind: 'ipBlock' }>;

/** A port name that some rule mentions, with its protocol: the key of NamedPorts. */
export type PortName = `${Protocol}:${string}`;

export function portName(protocol: Protocol, name: string): PortName {
  return `${protocol}:${name}`;
}

/** The numbers (ascending) behind the port names of one pod; names that no rule mentions are left out. */
export type NamedPorts = ReadonlyMap<PortName, readonly number[]>;

/** What a predicate asks of an address. */
export type Question = Peer | { readonly kind: 'port'; readonly name: PortName; readonly port: number };

/** Numbers predicates; kept between compiles. */
export type PredicateIds = Interner<PredicateId>;

/** The predicates of one compile. */
export class Predicates {
  readonly pods = new PodIndex<PredicateId>();
  readonly blocks: Block[] = [];
  /** The port names whose numbers are predicates. */
  readonly portNames = new Set<PortName>();
  readonly questions = new Map<PredicateId, Question>();
  readonly #ids: PredicateIds;

  constructor(ids: PredicateIds) {
    this.#ids = ids;
  }

  /** Undefined: no address can satisfy it. */
  ofPeer(peer: Peer): PredicateId | undefined {
    return peer.kind === 'pods' ? this.#ofPods(peer) : this.#ofBlock(peer);
  }

  ofPort(name: PortName, port: number): PredicateId {
    const id = this.#ids.intern(`port ${name}=${port}`, (fresh) => fresh);
    this.questions.set(id, { kind: 'port', name, port });
    return id;
  }

  #ofPods(peer: PodPeer): PredicateId {
    const id = this.#ids.intern(podMatchKey(peer), (fresh) => fresh);
    if (this.questions.has(id)) return id;
    this.questions.set(id, peer);
    this.pods.add(peer, id);
    return id;
  }

  #ofBlock(peer: BlockPeer): PredicateId | undefined {
    const block = plainBlock(peer);
    if (!block) return undefined;
    const { cidr, except, key } = block;
    const id = this.#ids.intern(key, (fresh) => fresh);
    if (this.questions.has(id)) return id;
    this.questions.set(id, except === peer.except ? peer : { ...peer, except });
    this.blocks.push({ predicate: id, cidr, except });
    return id;
  }
}

/** Without the holes that take nothing away, sorted. Equal key ⇔ equal block. Undefined: nothing is left of it. */
export function plainBlock({
  cidr,
  except,
}: BlockPeer): (Omit<Block, 'predicate'> & { readonly key: string }) | undefined {
  if (except.length === 0) return { cidr, except, key: cidr.text };
  if (except.some((hole) => cidrContainsCidr(hole, cidr))) return undefined;
  const holes = new Map(
    except.filter((hole) => cidrContainsCidr(cidr, hole)).map((hole) => [hole.text, hole]),
  );
  const texts = [...holes.keys()].sort();
  const kept = texts.flatMap((text) => holes.get(text) ?? []);
  return { cidr, except: kept, key: [cidr.text, ...texts].join(' ') };
}

/** Equal for matches that differ only in the order of their requirements and values. */
export function podMatchKey({ namespaces, pods }: PodMatch): string {
  const of = namespaces.kind === 'name' ? namespaces.name : selectorKey(namespaces.selector);
  return JSON.stringify(['pods', of, selectorKey(pods)]);
}

/** Equal for selectors that differ only in the order of their requirements and values. */
function selectorKey({ matchLabels, matchExpressions }: LabelSelector): unknown {
  const labels = Object.entries(matchLabels);
  if (labels.length > 1) labels.sort(([a], [b]) => (a < b ? -1 : 1));
  if (matchExpressions.length === 0) return [labels];
  const expressions = matchExpressions.map(({ key, operator, values }) =>
    JSON.stringify([key, operator, values.toSorted()]),
  );
  return [labels, expressions.sort()];
}
