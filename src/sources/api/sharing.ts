/**
 * One copy of values that many objects have in common: names of nodes and namespaces, the labels and ports of a
 * Deployment's pods. What JSON brings is a fresh copy each time.
 */

/** Beyond this the copies are forgotten and begin anew: values come and go for as long as a cluster lives. */
const maxShared = 32_768;

export class Sharing {
  readonly #texts = new Map<string, string>();
  readonly #values = new Map<string, unknown>();

  get size(): number {
    return Math.max(this.#texts.size, this.#values.size);
  }

  text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= maxShared) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }

  /** A value that is equal, made of what JSON knows; it must not be changed from now on. */
  value<T>(value: T): T {
    const key = JSON.stringify(value);
    const known = this.#values.get(key);
    if (known !== undefined) return known as T;
    if (this.#values.size >= maxShared) this.#values.clear();
    this.#values.set(key, value);
    return value;
  }
}
