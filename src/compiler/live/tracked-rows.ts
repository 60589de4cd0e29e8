/** Rows of one table, and how they differ from those that were last accepted. */

export interface RowChange<T> {
  readonly key: string;
  /** Undefined: not among the accepted rows. */
  readonly from: T | undefined;
  /** Undefined: not there any more. */
  readonly to: T | undefined;
}

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
    this.#remember(key);
    this.#rows.set(key, row);
  }

  delete(key: string): void {
    if (!this.#rows.has(key)) return;
    this.#remember(key);
    this.#rows.delete(key);
  }

  /** Rows that came and went again are left out; rows that were replaced are not compared. */
  changes(): RowChange<T>[] {
    const changes: RowChange<T>[] = [];
    for (const [key, from] of this.#accepted) {
      const to = this.#rows.get(key);
      if (from !== undefined || to !== undefined) changes.push({ key, from, to });
    }
    return changes;
  }

  accept(): void {
    this.#accepted.clear();
  }

  #remember(key: string): void {
    if (!this.#accepted.has(key)) this.#accepted.set(key, this.#rows.get(key));
  }
}
