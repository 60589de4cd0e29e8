/**
 * The ports of classes, as bpf/tables.h has them: the only entry of a class is in the class's own row; those of a class that has few
 * are in one line, a list; of the others, and of those that come when no list is free, each is a row of a hash table. A class never
 * changes: its ports are there before the first row that names it.
 */
import type { ClassId } from '../../compiler/program.ts';
import type { ClassRow, PortRow } from '../../compiler/tables.ts';
import type { Hash } from './hash.ts';
import {
  classSlot,
  listedClassSlot,
  pairSlot,
  portEntry,
  portSlot,
  portsOfList,
  singleClassSlot,
  unusedPort,
} from './layout.ts';
import type { PortEntry } from './layout.ts';
import { NodePool } from './node-pool.ts';
import { SlotTable } from './slot-table.ts';
import type { Row } from './slot-table.ts';
import { wordsPerLine } from './words.ts';
import type { Words } from './words.ts';

const wordsPerEntry = wordsPerLine / portsOfList;

export class Ports {
  readonly #lists: Words;
  readonly #pool: NodePool;
  readonly #table: SlotTable;
  readonly #onlyOf = new Map<ClassId, PortEntry>();
  readonly #listOf = new Map<ClassId, number>();
  /** Since the last `keep`. */
  #single: ClassId[] = [];
  #listed: ClassId[] = [];
  #added: Row[] = [];

  constructor(options: { table: Words; lists: Words; hash: Hash }) {
    this.#lists = options.lists;
    this.#pool = new NodePool(options.lists.length / wordsPerLine);
    this.#table = new SlotTable({ memory: options.table, shape: pairSlot, hash: options.hash });
  }

  /** All of a class or nothing of it; what is there already means the same. Throws TableFull. */
  add(rows: readonly PortRow[]): void {
    for (const [id, own] of Map.groupBy(rows, (row) => row.class)) {
      const held = this.#heldBy(id);
      if (held) requireHeld(held, own);
      else if (own.length === 1 && !this.#hasRows(own)) this.#addOnly(id, own.map(portEntry));
      else if (own.length <= portsOfList && this.#pool.hasRoom && !this.#hasRows(own)) this.#addList(id, own);
      else this.#addRows(own.map(portSlot));
    }
  }

  /** All of a class or nothing of it. */
  remove(rows: readonly PortRow[]): void {
    for (const [id, own] of Map.groupBy(rows, (row) => row.class)) {
      const held = this.#heldBy(id);
      if (held) this.#removeHeld(id, held, own);
      else for (const row of own) this.#table.remove(portSlot(row));
    }
  }

  /** Of a class whose ports are there. */
  classSlot(row: ClassRow): Row {
    const only = this.#onlyOf.get(row.class);
    if (only) return singleClassSlot(row, only);
    const list = this.#listOf.get(row.class);
    return list === undefined ? classSlot(row) : listedClassSlot(row, list);
  }

  keep(): void {
    this.#single = [];
    this.#listed = [];
    this.#added = [];
    this.#pool.keep();
  }

  /** As if nothing had been added since the last `keep`. */
  takeBack(): void {
    for (const row of this.#added) this.#table.remove(row);
    for (const id of this.#single) this.#onlyOf.delete(id);
    for (const id of this.#listed) this.#listOf.delete(id);
    this.#pool.takeBack();
    this.keep();
  }

  *rows(): Generator<Row> {
    yield* this.#table.rows();
    for (const [id, [prefix, outcome]] of this.#onlyOf) yield [id, prefix, outcome];
    for (const [id, list] of this.#listOf) {
      for (const [prefix, outcome] of this.#entries(list)) yield [id, prefix, outcome];
    }
  }

  /** Undefined: as rows of the table, or not at all. */
  #heldBy(id: ClassId): PortEntry[] | undefined {
    const only = this.#onlyOf.get(id);
    if (only) return [only];
    const list = this.#listOf.get(id);
    return list === undefined ? undefined : [...this.#entries(list)];
  }

  *#entries(list: number): Generator<PortEntry> {
    for (let at = list * wordsPerLine; at < (list + 1) * wordsPerLine; at += wordsPerEntry) {
      const prefix = this.#lists.read(at);
      if (prefix !== unusedPort) yield [prefix, this.#lists.read(at + 1)];
    }
  }

  #hasRows(rows: readonly PortRow[]): boolean {
    return rows.some((row) => this.#table.get(portSlot(row)));
  }

  #addOnly(id: ClassId, entries: readonly PortEntry[]): void {
    for (const entry of entries) this.#onlyOf.set(id, entry);
    this.#single.push(id);
  }

  #addList(id: ClassId, rows: readonly PortRow[]): void {
    const list = this.#pool.take();
    this.#listOf.set(id, list);
    this.#listed.push(id);
    const entries = rows.toSorted(longestFirst).map(portEntry);
    for (let index = 0; index < portsOfList; index++) {
      const [prefix, outcome] = entries[index] ?? [unusedPort, 0];
      const at = list * wordsPerLine + index * wordsPerEntry;
      this.#lists.write(at, prefix);
      this.#lists.write(at + 1, outcome);
    }
  }

  /** All go: what stays of a class that lost a part of its ports would be lost with them. */
  #removeHeld(id: ClassId, held: readonly PortEntry[], rows: readonly PortRow[]): void {
    requireHeld(held, rows);
    if (held.length !== rows.length) throw new Error('ports were taken from a class, which never changes');
    const list = this.#listOf.get(id);
    if (list !== undefined) this.#pool.give(list);
    this.#listOf.delete(id);
    this.#onlyOf.delete(id);
  }

  #addRows(rows: readonly Row[]): void {
    for (const row of rows) {
      if (this.#table.get(row)) continue;
      this.#added.push(row);
      this.#table.put(row);
    }
  }
}

/** What came to a class later would be missing from what it has, and nobody would notice. */
function requireHeld(held: readonly PortEntry[], rows: readonly PortRow[]): void {
  const byPrefix = new Map(held);
  const isHeld = ([prefix, outcome]: PortEntry): boolean => byPrefix.get(prefix) === outcome;
  if (!rows.map(portEntry).every(isHeld))
    throw new Error('other ports were named than those of the class, which never changes');
}

/** Any protocol is the shortest. */
function longestFirst(a: PortRow, b: PortRow): number {
  const lengthOf = ({ protocol, prefixLength }: PortRow): number => (protocol === 0 ? -1 : prefixLength);
  return lengthOf(b) - lengthOf(a);
}
