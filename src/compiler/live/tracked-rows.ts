/** Rows of one table, and how they differ from those that were last accepted. */

/** `from` undefined: not among the accepted rows; `to` undefined: not there any more. Never both. */
export type OnChange<T> = (from: T | undefined, to: T | undefined) => void;

export class TrackedRows<T> {
  readonly #rows = new Map<string, T>();
  /** As accepted; only of keys that were touched since. */
  readonly #accepted = new Map<string, T | undefined>();

  get rows(): ReadonlyMap<string, T> {
    return this.#rows;
  }

  get isTouched(): boolean {
    return this.#accepted.size > 0;
  }

  get(key: string): T | undefined {
    return this.#rows.get(key);
  }

  accepted(key: string): T | undefined {
    return this.#accepted.has(key) ? this.#accepted.get(key) : this.#rows.get(key);
  }

  set(key: string, row: T): void {
    if (!this.#accepted.has(key)) this.#accepted.set(key, this.#rows.get(key));
    this.#rows.set(key, row);
  }

  delete(key: string): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    if (!this.#accepted.has(key)) this.#accepted.set(key, row);
    this.#rows.delete(key);
  }

  /** Rows that came and went again are left out; rows that were replaced are not compared. */
  changes(onChange: OnChange<T>): void {
    for (const [key, from] of this.#accepted) {
      const to = this.#rows.get(key);
      if (from !== undefined || to !== undefined) onChange(from, to);
    }
  }

  /** Of a table whose rows never change meaning: throws where one did. */
  comeAndGone(same: (a: T, b: T) => boolean): { readonly come: T[]; readonly gone: T[] } {
    const [come, gone]: [T[], T[]] = [[], []];
    for (const [key, from] of this.#accepted) {
      const to = this.#rows.get(key);
      if (from === to) continue;
      if (from === undefined) {
        if (to !== undefined) come.push(to);
      } else if (to === undefined) {
        gone.push(from);
      } else if (!same(from, to)) {
        throw new Error(`row ${key} changes its meaning`);
      }
    }
    return { come, gone };
  }

  accept(): void {
    this.#accepted.clear();
  }
}
