/** Which nodes of a tree, or lists, are taken. What was taken and given back since the last `keep` can be undone. */
import { TableFull } from './table-full.ts';

export class NodePool {
  readonly #capacity: number;
  readonly #free: number[] = [];
  /** Nodes from this one on were never taken. */
  #next = 0;
  /** In their order: the nodes that were taken, and those that were given back, as -1 - node. */
  #recent: number[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get hasRoom(): boolean {
    return this.#free.length > 0 || this.#next < this.#capacity;
  }

  /** Throws TableFull. */
  take(): number {
    if (!this.hasRoom) throw new TableFull();
    if (this.#free.length === 0) this.#free.push(this.#next++);
    const node = this.#free.pop() ?? 0;
    this.#recent.push(node);
    return node;
  }

  give(node: number): void {
    this.#free.push(node);
    this.#recent.push(-1 - node);
  }

  keep(): void {
    this.#recent = [];
  }

  takeBack(): void {
    for (const one of this.#recent.reverse()) {
      if (one >= 0) this.#free.push(one);
      else this.#free.pop();
    }
    this.#recent = [];
  }

  /** How many are taken. */
  get size(): number {
    return this.#next - this.#free.length;
  }
}
