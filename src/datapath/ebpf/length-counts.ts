/** How many prefixes of each length there are in each entry of a directory. */
const lengths = 256;

export class LengthCounts {
  readonly #counts = new Map<number, number>();
  /** What was counted since the last `keep`, below zero where it was taken off. */
  #recent: { readonly key: number; readonly by: 1 | -1 }[] = [];

  /** Whether it is the first. */
  add(entry: number, length: number): boolean {
    return this.#count(entry * lengths + length, 1) === 1;
  }

  /** Whether it was the last. */
  remove(entry: number, length: number): boolean {
    return this.#count(entry * lengths + length, -1) === 0;
  }

  keep(): void {
    this.#recent = [];
  }

  /** As if nothing had been counted since the last `keep`. */
  takeBack(): void {
    const recent = this.#recent;
    this.#recent = [];
    for (const { key, by } of recent) this.#count(key, by === 1 ? -1 : 1);
    this.#recent = [];
  }

  #count(key: number, by: 1 | -1): number {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
    this.#recent.push({ key, by });
    return count;
  }
}
