/** The memory of tables whose every single store a test can look at, or make fail. */
import type { TableMemory, TableName } from '../../src/datapath/ebpf/table-memory.ts';
import { Words } from '../../src/datapath/ebpf/words.ts';

/** Called before each store, with the table's name; may throw in its place. */
export type Watcher = (table: TableName) => void;

class WatchedWords extends Words {
  readonly #watch: () => void;

  constructor(words: Words, watch: () => void) {
    super(words.name, words.memory, words.length);
    this.#watch = watch;
  }

  override write(index: number, value: number): void {
    this.#watch();
    super.write(index, value);
  }

  override writePair(index: number, low: number, high: number): void {
    this.#watch();
    super.writePair(index, low, high);
  }

  override copyLine(to: number, from: number): void {
    this.#watch();
    super.copyLine(to, from);
  }

  override publish(index: number, value: number): void {
    this.#watch();
    super.publish(index, value);
  }
}

/** The same memory, with `watch` before every store. */
export function watchedMemory(memory: TableMemory, watch: Watcher): TableMemory {
  const watched = Object.entries(memory).map(([name, words]) => [
    name,
    new WatchedWords(words, () => {
      watch(name as TableName);
    }),
  ]);
  return Object.fromEntries(watched) as TableMemory;
}
