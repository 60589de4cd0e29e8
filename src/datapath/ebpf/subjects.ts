/**
 * What this node's own addresses have: identity and sets, once for all addresses that have the same. An entry is never
 * changed; it is there before the first address that names it, and gone after the last.
 */
import type { AddressValue } from '../../compiler/tables.ts';
import { DatapathFull } from '../datapath-full.ts';
import { layouts, roles } from './layout.ts';
import type { Words } from './words.ts';

interface Subject {
  readonly index: number;
  users: number;
}

const { size, identity, ingress_set, egress_set, role } = layouts.subject;

export class Subjects {
  readonly #words: Words;
  readonly #capacity: number;
  readonly #byContent = new Map<string, Subject>();
  readonly #free: number[] = [];
  #next = 0;
  /** Acquired since the last `keep`. */
  #recent: AddressValue[] = [];

  constructor(words: Words) {
    this.#words = words;
    this.#capacity = Math.floor((4 * words.length) / size);
  }

  /** Where the content is, for one more user. Throws BulkheadError DATAPATH_FULL. */
  acquire(content: AddressValue): number {
    const key = contentKey(content);
    let subject = this.#byContent.get(key);
    if (!subject) {
      subject = { index: this.#write(content), users: 0 };
      this.#byContent.set(key, subject);
    }
    subject.users += 1;
    this.#recent.push(content);
    return subject.index;
  }

  /** Packets see nobody any more who has it. */
  release(content: AddressValue): void {
    const key = contentKey(content);
    const subject = this.#byContent.get(key);
    if (!subject) return;
    subject.users -= 1;
    if (subject.users > 0) return;
    this.#byContent.delete(key);
    this.#free.push(subject.index);
  }

  keep(): void {
    this.#recent = [];
  }

  takeBack(): void {
    for (const content of this.#recent) this.release(content);
    this.#recent = [];
  }

  #write(content: AddressValue): number {
    const index = this.#free.at(-1) ?? this.#next;
    if (index === this.#capacity) throw new DatapathFull({ what: 'subjects', capacity: this.#capacity });
    const at = (index * size) / 4;
    this.#words.write(at + identity / 4, content.identity);
    this.#words.write(at + ingress_set / 4, content.ingressSet);
    this.#words.write(at + egress_set / 4, content.egressSet);
    this.#words.write(at + role / 4, roles[content.role]);
    if (this.#free.pop() === undefined) this.#next += 1;
    return index;
  }
}

function contentKey({ identity: id, ingressSet, egressSet, role: what }: AddressValue): string {
  return `${id} ${ingressSet} ${egressSet} ${what}`;
}
