/**
 * The address space cut by the ipBlocks and their excepts: every prefix that appears in one becomes a cell, and an
 * address belongs to the cell of its longest prefix. All addresses of a cell are in exactly the same blocks.
 */
import { compareAddresses } from '../objects/ip.ts';
import type { Cidr } from '../objects/ip.ts';
import { PrefixTable } from './prefix-table.ts';
import type { PredicateId } from './predicates.ts';

export interface Block {
  readonly predicate: PredicateId;
  readonly cidr: Cidr;
  /** Each strictly inside `cidr`. */
  readonly except: readonly Cidr[];
}

export interface Cell {
  readonly cidr: Cidr;
  /** The blocks that the cell's addresses are in, ascending. */
  readonly predicates: readonly PredicateId[];
}

interface Cut {
  readonly cidr: Cidr;
  readonly enters: PredicateId[];
  readonly leaves: Set<PredicateId>;
}

export interface Cells {
  /** Shorter prefixes before the longer ones in them. */
  readonly all: readonly Cell[];
  readonly table: PrefixTable<Cell>;
}

export function cutIntoCells(blocks: readonly Block[]): Cells {
  const cuts = new Map<string, Cut>();
  const cutAt = (cidr: Cidr): Cut => {
    let cut = cuts.get(cidr.text);
    if (!cut) cuts.set(cidr.text, (cut = { cidr, enters: [], leaves: new Set() }));
    return cut;
  };
  for (const { predicate, cidr, except } of blocks) {
    cutAt(cidr).enters.push(predicate);
    for (const hole of except) cutAt(hole).leaves.add(predicate);
  }
  const all: Cell[] = [];
  const table = new PrefixTable<Cell>();
  for (const { cidr, enters, leaves } of [...cuts.values()].sort(widestFirst)) {
    const around = table.cover(cidr)?.predicates ?? [];
    const predicates = [...around.filter((id) => !leaves.has(id)), ...enters].sort((a, b) => a - b);
    const cell = { cidr, predicates };
    all.push(cell);
    table.set(cidr, cell);
  }
  return { all, table };
}

function widestFirst(a: Cut, b: Cut): number {
  return a.cidr.prefixLength - b.cidr.prefixLength || compareAddresses(a.cidr, b.cidr);
}
