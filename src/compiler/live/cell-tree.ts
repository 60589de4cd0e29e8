/** The cells of cidr-cells.ts, as blocks come and go: a tree by containment, under one root for each family. */
import { compareAddresses } from '../../objects/ip.ts';
import type { Address, Cidr, IpFamily } from '../../objects/ip.ts';
import type { Block } from '../cidr-cells.ts';
import { PrefixTable } from '../prefix-table.ts';
import type { PredicateId } from '../predicates.ts';
import type { Atom } from './model.ts';
import { SmallSet } from './small-set.ts';

export class Cell {
  /** Undefined: a root, which holds what is in no block. */
  readonly cidr: Cidr | undefined;
  parent: Cell | undefined;
  children: SmallSet<Cell> | undefined;
  /** The blocks that the cell's addresses are in, ascending. */
  predicates: readonly PredicateId[] = [];
  /** Blocks that begin and end here. */
  enters: SmallSet<PredicateId> | undefined;
  leaves: SmallSet<PredicateId> | undefined;
  /** No child has ever been longer. */
  longestChild = 0;
  /** What is true of its addresses that no pod has; and all atoms of pods. */
  plain: Atom | undefined;
  atoms: SmallSet<Atom> | undefined;

  constructor(cidr: Cidr | undefined) {
    this.cidr = cidr;
  }
}

export interface CellChanges {
  readonly fresh: readonly Cell[];
  readonly gone: readonly Cell[];
  /** Those that are in other blocks than before, or have another parent. */
  readonly changed: ReadonlySet<Cell>;
}

export class CellTree {
  readonly #roots: Readonly<Record<IpFamily, Cell>> = { 4: new Cell(undefined), 6: new Cell(undefined) };
  readonly #table = new PrefixTable<Cell>();

  get roots(): readonly Cell[] {
    return [this.#roots[4], this.#roots[6]];
  }

  /** Without roots. */
  get cells(): Iterable<Cell> {
    return this.#table.values();
  }

  of(address: Address): Cell {
    return this.#table.match(address) ?? this.#roots[address.family];
  }

  update(added: readonly Block[], removed: readonly Block[]): CellChanges {
    const fresh = new Map<string, Cell>();
    const touched = new Set<Cell>();
    const cellAt = (cidr: Cidr): Cell => {
      let cell = this.#table.get(cidr) ?? fresh.get(cidr.text);
      if (!cell) fresh.set(cidr.text, (cell = new Cell(cidr)));
      touched.add(cell);
      return cell;
    };
    for (const { predicate, cidr, except } of added) {
      (cellAt(cidr).enters ??= new SmallSet()).add(predicate);
      for (const hole of except) (cellAt(hole).leaves ??= new SmallSet()).add(predicate);
    }
    for (const { predicate, cidr, except } of removed) {
      cellAt(cidr).enters?.delete(predicate);
      for (const hole of except) cellAt(hole).leaves?.delete(predicate);
    }
    const changed = new Set<Cell>();
    const inserted = [...fresh.values()].sort(widestFirst);
    this.#makeWay(inserted, changed);
    for (const cell of inserted) this.#insert(cell);
    const gone: Cell[] = [];
    for (const cell of touched) {
      if ((cell.enters?.size ?? 0) + (cell.leaves?.size ?? 0) > 0) continue;
      for (const child of cell.children ?? []) touched.add(child);
      this.#remove(cell, changed);
      gone.push(cell);
    }
    for (const cell of [...touched].sort(widestFirst)) if (cell.parent) describe(cell, changed);
    for (const cell of gone) changed.delete(cell);
    return { fresh: inserted, gone, changed };
  }

  /** Gives fresh cells the cells in them, all at once: thousands may come where there are thousands. */
  #makeWay(inserted: readonly Cell[], changed: Set<Cell>): void {
    const under = new Map<Cell, PrefixTable<Cell>>();
    for (const cell of inserted) {
      const { cidr } = cell;
      const parent = cidr && this.#parentOf(cidr);
      if (!parent || parent.longestChild <= cidr.prefixLength) continue;
      let table = under.get(parent);
      if (!table) under.set(parent, (table = new PrefixTable()));
      table.set(cidr, cell);
    }
    for (const [parent, table] of under) {
      parent.children?.forEach((child) => {
        const between = child.cidr && table.cover(child.cidr);
        if (!between) return;
        parent.children?.delete(child);
        adopt(between, child);
        changed.add(child);
      });
    }
  }

  #insert(cell: Cell): void {
    const { cidr } = cell;
    if (!cidr) return;
    adopt(this.#parentOf(cidr), cell);
    this.#table.set(cidr, cell);
  }

  #parentOf(cidr: Cidr): Cell {
    return this.#table.cover(cidr) ?? this.#roots[cidr.family];
  }

  #remove(cell: Cell, changed: Set<Cell>): void {
    const { cidr, parent } = cell;
    if (!cidr || !parent) return;
    parent.children?.delete(cell);
    for (const child of cell.children ?? []) {
      adopt(parent, child);
      changed.add(child);
    }
    cell.children = undefined;
    cell.parent = undefined;
    this.#table.delete(cidr);
  }
}

function adopt(parent: Cell, child: Cell): void {
  (parent.children ??= new SmallSet()).add(child);
  child.parent = parent;
  parent.longestChild = Math.max(parent.longestChild, child.cidr?.prefixLength ?? 0);
}

/** Works out the cell's blocks from its parent's, and so on downwards as long as something changes. */
function describe(cell: Cell, changed: Set<Cell>): void {
  const stack = [cell];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { enters, leaves } = next;
    const inherited = next.parent?.predicates ?? [];
    const around = leaves?.size ? inherited.filter((id) => !leaves.has(id)) : inherited;
    const entered = enters?.size ? [...enters].filter((id) => !around.includes(id)) : [];
    const predicates = entered.length > 0 ? [...around, ...entered].toSorted((a, b) => a - b) : around;
    const same =
      predicates.length === next.predicates.length &&
      predicates.every((id, index) => id === next.predicates[index]);
    if (same) continue;
    next.predicates = predicates;
    changed.add(next);
    for (const child of next.children ?? []) stack.push(child);
  }
}

function widestFirst({ cidr: a }: Cell, { cidr: b }: Cell): number {
  if (!a || !b) return 0;
  return a.prefixLength - b.prefixLength || compareAddresses(a, b);
}
