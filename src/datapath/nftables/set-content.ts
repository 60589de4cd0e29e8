/** The elements of one set, found as the kernel's three kinds of sets find them: by hash, by range, by ranges of parts. */
import type { Element, SetSpec } from '../../kernel/nftables-changes.ts';
import { keyParts } from '../../kernel/nftables-changes.ts';

export class SetContent {
  /** Bytes; each part of a concatenation takes whole words. */
  readonly keyLength: number;
  readonly #spec: SetSpec;
  readonly #parts: readonly number[];
  readonly #elements: Map<string, Element>;
  /** Of ranges, ascending; made when first needed after a change. */
  #sorted: readonly Element[] | undefined;

  constructor(spec: SetSpec, elements: ReadonlyMap<string, Element> = new Map()) {
    this.#spec = spec;
    this.#elements = new Map(elements);
    this.#parts = keyParts(spec);
    const [single = 0, ...more] = this.#parts;
    this.keyLength = more.reduce(
      (sum, length) => sum + padded(length),
      more.length > 0 ? padded(single) : single,
    );
  }

  get elements(): readonly Element[] {
    return [...this.#elements.values()];
  }

  copy(): SetContent {
    return new SetContent(this.#spec, this.#elements);
  }

  /** Throws if the set is full, or has the key with another value. */
  add(elements: readonly Element[]): void {
    this.#sorted = undefined;
    for (const element of elements) {
      const there = this.#elements.get(identityOf(element));
      if (there && !sameValue(there, element)) throw new Error(`${this.#spec.name} has that key already`);
      this.#elements.set(identityOf(element), element);
    }
    if (this.#elements.size > (this.#spec.size ?? Infinity)) throw new Error(`${this.#spec.name} is full`);
  }

  remove(elements: readonly Element[]): void {
    this.#sorted = undefined;
    for (const element of elements) {
      if (!this.#elements.delete(identityOf(element))) throw new Error(`${this.#spec.name} has no such key`);
    }
  }

  /** What holds the key that begins at `at`. */
  find(bytes: Uint8Array, at: number): Element | undefined {
    if (!this.#spec.interval) return this.#elements.get(textOf(bytes, at, at + this.keyLength));
    const key = bytes.subarray(at, at + this.keyLength);
    return this.#spec.key.length === 1 ? this.#findRange(key) : this.#findParts(key);
  }

  /** The last mark that is not beyond the key, if it is a beginning. */
  #findRange(key: Uint8Array): Element | undefined {
    this.#sorted ??= this.elements.toSorted(
      (a, b) => Buffer.compare(a.key, b.key) || Number(b.end ?? false) - Number(a.end ?? false),
    );
    let [from, to] = [0, this.#sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const element = this.#sorted[middle];
      if (element && Buffer.compare(element.key, key) <= 0) from = middle + 1;
      else to = middle;
    }
    const mark = this.#sorted[from - 1];
    return mark?.end ? undefined : mark;
  }

  #findParts(key: Uint8Array): Element | undefined {
    for (const element of this.#elements.values()) if (this.#holds(element, key)) return element;
    return undefined;
  }

  #holds({ key: first, last = first }: Element, key: Uint8Array): boolean {
    let at = 0;
    for (const length of this.#parts) {
      const end = at + length;
      const part = key.subarray(at, end);
      if (Buffer.compare(first.subarray(at, end), part) > 0) return false;
      if (Buffer.compare(part, last.subarray(at, end)) > 0) return false;
      at += padded(length);
    }
    return true;
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Two elements of a set are different ones exactly when this is; of a single key it is the key. */
function identityOf({ key, last, end }: Element): string {
  return `${textOf(key)}${last ? `-${textOf(last)}` : ''}${end ? ' end' : ''}`;
}

/** One character for each byte. */
function textOf(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = '';
  for (let index = from; index < to; index++) text += String.fromCharCode(bytes[index] ?? 0);
  return text;
}

function sameValue(a: Element, b: Element): boolean {
  const text = ({ value, verdict, counter }: Element): string =>
    JSON.stringify([value && [...value], verdict, counter]);
  return text(a) === text(b);
}
