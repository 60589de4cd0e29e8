/** The change from the tables that a node holds to those it should hold, as tables.ts orders it. */
import { PrefixTable } from './prefix-table.ts';
import type { IdentityId } from './program.ts';
import type {
  AddressChange,
  AddressValue,
  CidrChange,
  ClassRow,
  Delta,
  NodeTables,
  PortRow,
} from './tables.ts';

export const emptyTables: NodeTables = {
  addresses: new Map(),
  cidrs: new Map(),
  classes: new Map(),
  ports: new Map(),
};

/** Both tables must come from programs of the same Compiler: equal ids must mean equal content. */
export function computeDelta(old: NodeTables, next: NodeTables): Delta {
  return {
    add: {
      ports: missing(next.ports, old.ports, samePort),
      classes: missing(next.classes, old.classes, sameClass),
    },
    stage: { addresses: stageAddresses(old, next), cidrs: stageCidrs(old, next) },
    sweep: {
      ports: missing(old.ports, next.ports, samePort),
      classes: missing(old.classes, next.classes, sameClass),
    },
  };
}

/** From what the delta leads to, back to where it starts. */
export function reverseDelta({ add, stage, sweep }: Delta): Delta {
  return {
    add: sweep,
    stage: {
      addresses: stage.addresses.map(({ addresses, from, to }) => ({
        addresses,
        ...(to ? { from: to } : {}),
        ...(from ? { to: from } : {}),
      })),
      cidrs: stage.cidrs.map(({ cidr, from, to, isNew, isGone }) => ({
        cidr,
        from: to,
        to: from,
        isNew: isGone,
        isGone: isNew,
      })),
    },
    sweep: add,
  };
}

/** Number of map entries that a delta writes or removes. */
export function deltaSize({ add, stage, sweep }: Delta): number {
  const rows = [add.ports, add.classes, stage.cidrs, sweep.ports, sweep.classes];
  const addresses = stage.addresses.map((change) => change.addresses);
  return [...rows, ...addresses].reduce((sum, list) => sum + list.length, 0);
}

/** Rows of `rows` whose key `others` doesn't have. */
function missing<T>(
  rows: ReadonlyMap<string, T>,
  others: ReadonlyMap<string, T>,
  same: (a: T, b: T) => boolean,
): T[] {
  const found: T[] = [];
  for (const [key, row] of rows) {
    const other = others.get(key);
    if (other === undefined) found.push(row);
    else if (!same(row, other)) throw new Error(`row ${key} has two meanings: tables of different compilers`);
  }
  return found;
}

export function samePort(a: PortRow, b: PortRow): boolean {
  return a === b || (a.allow === b.allow && a.rule === b.rule);
}

export function sameClass(a: ClassRow, b: ClassRow): boolean {
  return a.class === b.class;
}

export function sameValue(a: AddressValue | undefined, b: AddressValue | undefined): boolean {
  return (
    a === b ||
    (a?.identity === b?.identity &&
      a?.ingressSet === b?.ingressSet &&
      a?.egressSet === b?.egressSet &&
      a?.role === b?.role)
  );
}

function stageAddresses(old: NodeTables, next: NodeTables): AddressChange[] {
  const rows = [...next.addresses, ...[...old.addresses].filter(([key]) => !next.addresses.has(key))];
  return rows.flatMap(([key, { address }]) => {
    const from = old.addresses.get(key)?.value;
    const to = next.addresses.get(key)?.value;
    if (sameValue(from, to)) return [];
    return [{ addresses: [address], ...(from ? { from } : {}), ...(to ? { to } : {}) }];
  });
}

function stageCidrs(old: NodeTables, next: NodeTables): CidrChange[] {
  const rows = [...next.cidrs, ...[...old.cidrs].filter(([key]) => !next.cidrs.has(key))];
  const changed = rows.filter(([key]) => old.cidrs.get(key)?.identity !== next.cidrs.get(key)?.identity);
  if (changed.length === 0) return [];
  const [before, after] = [prefixes(old), prefixes(next)];
  return changed.map(([key, { cidr }]) => {
    const [was, becomes] = [old.cidrs.get(key), next.cidrs.get(key)];
    const from = was?.identity ?? before.cover(cidr) ?? 0;
    const to = becomes?.identity ?? after.cover(cidr) ?? 0;
    return { cidr, from, to, isNew: !was, isGone: !becomes };
  });
}

function prefixes(tables: NodeTables): PrefixTable<IdentityId> {
  const table = new PrefixTable<IdentityId>();
  for (const { cidr, identity } of tables.cidrs.values()) table.set(cidr, identity);
  return table;
}
