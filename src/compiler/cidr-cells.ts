/**
 * The address space cut by the ipBlocks and their excepts: every prefix that appears in one becomes a cell, and an
 * address belongs to the cell of its longest prefix. All addresses of a cell are in exactly the same blocks.
 */
import type { Cidr } from '../objects/ip.ts';
import type { BlockShape } from './peer-questions.ts';
import { PrefixTable } from './prefix-table.ts';
import type { PredicateId } from './predicates.ts';

export interface Block extends BlockShape {
  /** That of several, even of the same prefix or of one in another, if none of them has holes. */
  readonly predicate: PredicateId;
}

export interface Cell {
  readonly cidr: Cidr;
  /** That of the next shorter prefix around it. */
  readonly around: Cell | undefined;
  /** The blocks that the cell's addresses are in, ascending. */
  readonly predicates: readonly PredicateId[];
}

interface Cut {
  readonly cidr: Cidr;
  around: Cell | undefined;
  predicates: PredicateId[];
  /** Absent in most, of which there can be a million. */
  leaves?: PredicateId[];
}

export interface Cells {
  /** Shorter prefixes before the longer ones in them. */
  readonly all: readonly Cell[];
  readonly table: Pick<PrefixTable<Cell>, 'match'>;
}

export function cutIntoCells(blocks: readonly Block[]): Cells {
  const table = new PrefixTable<Cut>();
  const all: Cut[] = [];
  const cutAt = (cidr: Cidr, predicates: PredicateId[]): Cut => {
    const cut = { cidr, around: undefined, predicates };
    all.push(cut);
    table.set(cidr, cut);
    return cut;
  };
  for (const { predicate, cidr, except } of blocks) {
    const cut = table.get(cidr);
    if (!cut) cutAt(cidr, [predicate]);
    // Those of one predicate come one after another.
    else if (cut.predicates.at(-1) !== predicate) cut.predicates.push(predicate);
    for (const hole of except) {
      const inner = table.get(hole) ?? cutAt(hole, []);
      if (inner.leaves) inner.leaves.push(predicate);
      else inner.leaves = [predicate];
    }
  }
  all.sort((a, b) => a.cidr.prefixLength - b.cidr.prefixLength);
  for (const cut of all) {
    cut.around = table.cover(cut.cidr);
    const inherited = cut.around?.predicates.filter((id) => !cut.leaves?.includes(id)) ?? [];
    cut.predicates = [...new Set([...inherited, ...cut.predicates])].sort((a, b) => a - b);
  }
  return { all, table };
}
