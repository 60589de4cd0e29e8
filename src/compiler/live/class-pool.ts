/** The classes that are in use, counted: equal port tables are one class. */
import { describePorts } from '../class-entries.ts';
import type { ClassRules } from '../class-rules.ts';
import { portTable } from '../port-table.ts';
import type { ClassEntry } from '../program.ts';

interface Counted<T> {
  readonly value: T;
  users: number;
}

/** A class of so few ports is let in at up to twice the limit, so that there is room for what closes others. */
const fewPorts = 16;

export class ClassPool {
  readonly #rowLimit: number;
  readonly #tables = new Map<string, Counted<{ readonly text: string; readonly entry: ClassEntry }>>();
  readonly #entries = new Map<string, Counted<ClassEntry>>();
  #nextId = 1;
  /** Of the port tables of all classes. */
  #rows = 0;
  #users = 0;
  /** Rows of the smallest class that there was no room for. */
  #refused = Infinity;

  constructor(rowLimit: number) {
    this.#rowLimit = rowLimit;
  }

  /** Number of those that have not been released. */
  get users(): number {
    return this.#users;
  }

  /** To be released by the same key. Undefined: it has more rows than there may be. */
  retain({ key, tiers }: ClassRules): ClassEntry | undefined {
    let table = this.#tables.get(key);
    if (!table) {
      const ports = portTable(tiers());
      const text = describePorts(ports);
      let entry = this.#entries.get(text);
      if (!entry) {
        if (!this.#hasRoom(ports.length)) {
          this.#refused = Math.min(this.#refused, ports.length);
          return undefined;
        }
        this.#entries.set(text, (entry = { value: { id: this.#nextId++, ports }, users: 0 }));
        this.#rows += ports.length;
      }
      entry.users += 1;
      this.#tables.set(key, (table = { value: { text, entry: entry.value }, users: 0 }));
    }
    table.users += 1;
    this.#users += 1;
    return table.value.entry;
  }

  /** Whether there is room by now for one that there was none for. Said once. */
  hasRoomAgain(): boolean {
    if (this.#refused === Infinity || !this.#hasRoom(this.#refused)) return false;
    this.#refused = Infinity;
    return true;
  }

  #hasRoom(rows: number): boolean {
    if (rows === 0 || this.#rows + rows <= this.#rowLimit) return true;
    return rows <= fewPorts && this.#rows < 2 * this.#rowLimit;
  }

  release(key: string): void {
    const table = this.#tables.get(key);
    if (!table) return;
    table.users -= 1;
    this.#users -= 1;
    if (table.users > 0) return;
    this.#tables.delete(key);
    const { text } = table.value;
    const entry = this.#entries.get(text);
    if (!entry) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(text);
    this.#rows -= entry.value.ports.length;
  }
}
