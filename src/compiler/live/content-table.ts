/** Values found by what they hold, a list that is compared item by item: no text is made of it. */
import { addTo, deleteFrom } from './small-set.ts';
import type { SmallSet } from './small-set.ts';

export interface ContentRules<T, I> {
  readonly contentOf: (value: T) => readonly I[];
  /** 32 bits; the same for the same items. */
  readonly hashOf: (item: I) => number;
  readonly isSame: (a: I, b: I) => boolean;
}

export class ContentTable<T, I> {
  readonly #byHash = new Map<number, SmallSet<T>>();
  readonly #rules: ContentRules<T, I>;

  constructor(rules: ContentRules<T, I>) {
    this.#rules = rules;
  }

  *values(): Generator<T> {
    for (const values of this.#byHash.values()) yield* values;
  }

  find(content: readonly I[]): T | undefined {
    const { contentOf, isSame } = this.#rules;
    let found: T | undefined;
    this.#byHash.get(this.#hashOf(content))?.forEach((value) => {
      if (sameContent(contentOf(value), content, isSame)) found = value;
    });
    return found;
  }

  add(value: T): void {
    const hash = this.#hashOf(this.#rules.contentOf(value));
    addTo(this.#byHash, hash, value);
  }

  /** With the content that it was added with. */
  delete(value: T): void {
    const hash = this.#hashOf(this.#rules.contentOf(value));
    deleteFrom(this.#byHash, hash, value);
  }

  /** FNV-1a, a word at a time. */
  #hashOf(content: readonly I[]): number {
    const { hashOf } = this.#rules;
    let hash = 0x811c9dc5;
    for (const item of content) hash = Math.imul(hash ^ hashOf(item), 0x01000193);
    return hash;
  }
}

export function sameContent<I>(a: readonly I[], b: readonly I[], isSame: (a: I, b: I) => boolean): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === undefined || right === undefined || !isSame(left, right)) return false;
  }
  return true;
}
