/**
 * Everything that policies can ask of a peer address, as numbered yes-or-no questions: is it one of these pods, is it
 * in one of these blocks, does its pod call this number by that port name? Equal questions share a number.
 */
import type { Protocol } from '../objects/model.ts';
import type { Interner } from './interner.ts';
import type { Block } from './cidr-cells.ts';
import type { PeerQuestion } from './peer-questions.ts';
import { PodIndex } from './pod-index.ts';

export type PredicateId = number;

/** A port name that some rule mentions, with its protocol: the key of NamedPorts. */
export type PortName = `${Protocol}:${string}`;

export function portName(protocol: Protocol, name: string): PortName {
  return `${protocol}:${name}`;
}

/** The numbers (ascending) behind the port names of one pod; names that no rule mentions are left out. */
export type NamedPorts = ReadonlyMap<PortName, readonly number[]>;

/** What a predicate asks of an address. */
export type Question =
  PeerQuestion | { readonly kind: 'port'; readonly name: PortName; readonly port: number };

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

  ofQuestion(question: PeerQuestion): PredicateId {
    const id = this.#ids.intern(question.key, (fresh) => fresh);
    if (this.questions.has(id)) return id;
    this.questions.set(id, question);
    if (question.kind === 'pods') this.pods.add(question.match, id);
    else for (const { cidr, except } of question.blocks) this.blocks.push({ predicate: id, cidr, except });
    return id;
  }

  ofPort(name: PortName, port: number): PredicateId {
    const id = this.#ids.intern(`port ${name}=${port}`, (fresh) => fresh);
    this.questions.set(id, { kind: 'port', name, port });
    return id;
  }
}
