/** What a delta asks of each set, as elements. */
import type { ClassId } from '../../compiler/program.ts';
import type { AddressChange, CidrChange, CidrRow, Delta, PortRow } from '../../compiler/tables.ts';
import type { Change } from '../../kernel/nftables-changes.ts';
import { families } from './sets.ts';
import type { Version } from './sets.ts';
import { addressRanges, rangeChanges } from './address-ranges.ts';
import type { AddressRange } from './address-ranges.ts';
import { addressEntries, classEntry, portEntries, rangeEntries } from './elements.ts';
import type { Entry } from './elements.ts';
import { portTable } from './port-ranges.ts';
import type { PortTable } from './port-ranges.ts';

export interface Edit {
  readonly remove: readonly Entry[];
  readonly add: readonly Entry[];
}

export function combined(...edits: readonly Edit[]): Edit {
  return { remove: edits.flatMap(({ remove }) => remove), add: edits.flatMap(({ add }) => add) };
}

/** Removals first: a key that changes its value is removed and added. */
export function editChanges({ remove, add }: Edit): Change[] {
  return [...bySet('delete-elements', remove), ...bySet('add-elements', add)];
}

function bySet(kind: 'add-elements' | 'delete-elements', entries: readonly Entry[]): Change[] {
  const sets = Map.groupBy(entries, ({ set }) => set);
  return [...sets].map(([set, list]) => ({ kind, set, elements: list.map(({ element }) => element) }));
}

export function addressEdit(version: Version, changes: readonly AddressChange[]): Edit {
  const remove: Entry[] = [];
  const add: Entry[] = [];
  for (const { addresses, from, to } of changes) {
    for (const address of addresses) {
      const before = from ? addressEntries(version, address, from) : [];
      const after = to ? addressEntries(version, address, to) : [];
      remove.push(...before.filter((entry) => !after.some((other) => sameEntry(entry, other))));
      add.push(...after.filter((entry) => !before.some((other) => sameEntry(entry, other))));
    }
  }
  return { remove, add };
}

function sameEntry(a: Entry, b: Entry): boolean {
  return a.set === b.set && Buffer.compare(a.element.value ?? empty, b.element.value ?? empty) === 0;
}

const empty = new Uint8Array();

export function rangeEdit(
  version: Version,
  before: readonly AddressRange[],
  after: readonly AddressRange[],
): Edit {
  const { gone, come } = rangeChanges(before, after);
  return {
    remove: gone.flatMap((range) => rangeEntries(version, range)),
    add: come.flatMap((range) => rangeEntries(version, range)),
  };
}

/** Of both families. */
export function rangesOf(cidrs: ReadonlyMap<string, CidrRow>): AddressRange[] {
  return families.flatMap((family) => addressRanges(family, cidrs.values()));
}

/** The rows of a class come and go together. */
export function portTables(rows: readonly PortRow[]): PortTable[] {
  const classes: Map<ClassId, PortRow[]> = Map.groupBy(rows, (row) => row.class);
  return [...classes].map(([id, entries]) => portTable(id, entries));
}

export function sharedEntries(rows: Delta['add']): Entry[] {
  return [...portTables(rows.ports).flatMap(portEntries), ...rows.classes.map(classEntry)];
}

/** The rows after a delta. */
export function nextCidrs(
  before: ReadonlyMap<string, CidrRow>,
  changes: readonly CidrChange[],
): ReadonlyMap<string, CidrRow> {
  if (changes.length === 0) return before;
  const next = new Map(before);
  for (const { cidr, to, isGone } of changes) {
    if (isGone) next.delete(cidr.text);
    else next.set(cidr.text, { cidr, identity: to });
  }
  return next;
}
