/**
 * Stable ids across compiles. Both kinds work in rounds, one per compile: what a round doesn't mention is remembered
 * for one more round (the datapath may still hold it) and then forgotten.
 */

/** Gives equal content the same value for as long as it stays in use; an id is never given twice. */
export class Interner<T> {
  #current = new Map<string, T>();
  #previous: ReadonlyMap<string, T> = new Map();
  #nextId = 1;

  startRound(): void {
    this.#previous = this.#current;
    this.#current = new Map();
  }

  /** `make` is called with a fresh id if the content is new. */
  intern(content: string, make: (id: number) => T): T {
    const known = this.#current.get(content);
    if (known !== undefined) return known;
    const value = this.#previous.get(content) ?? make(this.#nextId++);
    this.#current.set(content, value);
    return value;
  }
}

/** Small dense numbers from 1, given again once two rounds in a row have done without them. */
export class Slots {
  #current = new Map<string, number>();
  #previous: ReadonlyMap<string, number> = new Map();
  /** Given up in the round before. */
  #resting: readonly number[] = [];
  /** Descending within a round, so that pop() gives the smallest. */
  #free: number[] = [];
  #next = 1;

  startRound(): void {
    this.#free = [...this.#free, ...this.#resting].sort((a, b) => b - a);
    this.#resting = [...this.#previous].filter(([key]) => !this.#current.has(key)).map(([, slot]) => slot);
    this.#previous = this.#current;
    this.#current = new Map();
  }

  slot(key: string): number {
    const known = this.#current.get(key);
    if (known !== undefined) return known;
    const slot = this.#previous.get(key) ?? this.#free.pop() ?? this.#next++;
    this.#current.set(key, slot);
    return slot;
  }
}
