/** The elements of one set, found as the kernel's three kinds of sets find them: by hash, by range, by ranges of parts. */
import type { Element, SetSpec } from '../../kernel/nftables-changes.ts';
import { keyParts } from '../../kernel/nftables-changes.ts';

export class SetContent {
  readonly #spec: SetSpec;
  readonly #elements: Map<string, Element>;
  /** Of ranges, ascending; made when first needed after a change. */
  #sorted: readonly Element[] | undefined;

  constructor(spec: SetSpec, elements: ReadonlyMap<string, Element> = new Map()) {
    this.#spec = spec;
    this.#elements = new Map(elements);
  }

  get elements(): readonly Element[] {
    return [...this.#elements.values()];
  }

  /** Bytes; each part of a concatenation takes whole words. */
  get keyLength(): number {
    const parts = keyParts(this.#spec);
    return parts.length === 1 ? (parts[0] ?? 0) : parts.reduce((sum, length) => sum + padded(length), 0);
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

  find(key: Uint8Array): Element | undefined {
    if (!this.#spec.interval) return this.#elements.get(identityOf({ key }));
    return this.#spec.key.length === 1 ? this.#findRange(key) : this.#findParts(key);
  }

  /** The last mark that is not beyond the key, if it is a beginning. */
  #findRange(key: Uint8Array): Element | undefined {
    this.#sorted ??= this.elements.toSorted(
      (a, b) => Buffer.compare(a.key, b.key) || Number(b.end ?? false) - Number(a.end ?? false),
    );
    const mark = this.#sorted.findLast((element) => Buffer.compare(element.key, key) <= 0);
    return mark?.end ? undefined : mark;
  }

  #findParts(key: Uint8Array): Element | undefined {
    const lengths = keyParts(this.#spec);
    return this.elements.find(({ key: first, last = first }) => {
      let at = 0;
      return lengths.every((length) => {
        const part = (bytes: Uint8Array): Uint8Array => bytes.subarray(at, at + length);
        const inside =
          Buffer.compare(part(first), part(key)) <= 0 && Buffer.compare(part(key), part(last)) <= 0;
        at += padded(length);
        return inside;
      });
    });
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function identityOf({ key, last, end }: Element): string {
  const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
  return `${hex(key)}-${hex(last)}${end ? ' end' : ''}`;
}

function sameValue(a: Element, b: Element): boolean {
  const text = ({ value, verdict, counter }: Element): string =>
    JSON.stringify([value && [...value], verdict, counter]);
  return text(a) === text(b);
}
