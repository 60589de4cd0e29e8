/** The classes that are in use, counted: equal port tables are one class. */
import { describePorts } from '../class-entries.ts';
import type { ClassRules } from '../class-rules.ts';
import { portTable } from '../port-table.ts';
import type { ClassEntry } from '../program.ts';

interface Counted<T> {
  readonly value: T;
  users: number;
}

export class ClassPool {
  readonly #tables = new Map<string, Counted<{ readonly text: string; readonly entry: ClassEntry }>>();
  readonly #entries = new Map<string, Counted<ClassEntry>>();
  #nextId = 1;

  /** To be released by the same key. */
  retain({ key, tiers }: ClassRules): ClassEntry {
    let table = this.#tables.get(key);
    if (!table) {
      const ports = portTable(tiers());
      const text = describePorts(ports);
      let entry = this.#entries.get(text);
      if (!entry) this.#entries.set(text, (entry = { value: { id: this.#nextId++, ports }, users: 0 }));
      entry.users += 1;
      this.#tables.set(key, (table = { value: { text, entry: entry.value }, users: 0 }));
    }
    table.users += 1;
    return table.value.entry;
  }

  release(key: string): void {
    const table = this.#tables.get(key);
    if (!table) return;
    table.users -= 1;
    if (table.users > 0) return;
    this.#tables.delete(key);
    const { text } = table.value;
    const entry = this.#entries.get(text);
    if (!entry) return;
    entry.users -= 1;
    if (entry.users === 0) this.#entries.delete(text);
  }
}
