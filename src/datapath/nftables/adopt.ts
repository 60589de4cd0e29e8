/**
 * Taking over a table that an earlier process left. Ids mean what that process's compiler meant; they may stay where
 * they stand for the same content in the new tables, which is so when the same cluster is compiled again. Otherwise the
 * table is made anew.
 */
import { addressWidth } from '../../objects/ip.ts';
import type { IpFamily } from '../../objects/ip.ts';
import type { Delta } from '../../compiler/tables.ts';
import type { Change, Element } from '../../kernel/nftables-changes.ts';
import type { AddressRange } from './address-ranges.ts';
import { sizesAfter } from './capacity.ts';
import type { Sizes } from './capacity.ts';
import { decodeId, ruleOf } from './decision.ts';
import type { Entry } from './elements.ts';
import {
  addressEdit,
  combined,
  editChanges,
  nextCidrs,
  portTables,
  rangeEdit,
  rangesOf,
  sharedEntries,
} from './entries-of-delta.ts';
import type { Edit } from './entries-of-delta.ts';
import { readInForce } from './ruleset.ts';
import type { InForce } from './ruleset.ts';
import { goneRules, newRules, usesAfter } from './rule-uses.ts';
import type { RuleUses } from './rule-uses.ts';
import { families, inForce, otherVersion, setName, shared } from './sets.ts';
import type { Version } from './sets.ts';

export interface Adopted {
  /** As the one before has left it. */
  readonly inForce: InForce;
  /** Makes the other version, and what it leads to, what the delta asks for. */
  readonly changes: readonly Change[];
  /** The same for this version, and away with what neither leads to. */
  readonly sweep: readonly Change[];
  /** After all that. */
  readonly sizes: Sizes;
}

/** How the table's content is read: the elements of a set, or undefined if there is no such set. */
export type ReadSet = (set: string) => readonly Element[] | undefined;

/** Undefined if the table must be made anew. `delta` holds everything. */
export function adopt(readSet: ReadSet, delta: Delta): Adopted | undefined {
  const [marker] = readSet(inForce) ?? [];
  if (!marker) return undefined;
  const present = readInForce(marker);
  const { version } = present;
  const held = heldIn(readSet, sharedTables);
  const wanted = sharedEntries(delta.add);
  const wantedAddresses = addressEdit(version, delta.stage.addresses).add;
  if (contradicts(groups(held, heldIn(readSet, setTables(version))), groups(wanted, wantedAddresses)))
    return undefined;
  const { remove, add } = difference(held, wanted);
  const decisions = (readSet(shared.rules) ?? []).map(({ key }) => decodeId(key)).filter(ruleOf);
  const used: RuleUses = new Map(decisions.map((decision) => [decision, 1]));
  const uses = usesAfter(new Map(), portTables(delta.add.ports), 1);
  const edit = (into: Version): Edit => versionEdit(readSet, into, delta);
  return {
    inForce: present,
    changes: [
      ...newRules(used, uses),
      ...editChanges(combined({ remove: [], add }, edit(otherVersion(version)))),
    ],
    sweep: [...editChanges(combined({ remove, add: [] }, edit(version))), ...goneRules(used, uses)],
    sizes: ([0, 1] as const)
      .map((each) => wholeVersion(each, delta))
      .reduce(sizesAfter, sizesAfter(new Map(), { remove: [], add: wanted })),
  };
}

const sharedTables = [shared.classes, shared.anyone, shared.ports, shared.portRanges, shared.anyPort];

/** Where addresses have their sets. */
function setTables(version: Version): string[] {
  return families.flatMap((family) =>
    (['egress', 'ingress'] as const).map((table) => setName(table, family, version)),
  );
}

function heldIn(readSet: ReadSet, sets: readonly string[]): Entry[] {
  return sets.flatMap((set) => (readSet(set) ?? []).map((element) => ({ set, element })));
}

/**
 * What stands behind each id: the entries whose key begins with it, as text. Ids that only a value names are there too:
 * behind them stands nothing, and that means something.
 */
function groups(entries: readonly Entry[], addresses: readonly Entry[]): Map<string, string> {
  const lists = new Map<string, string[]>();
  const list = (id: string): string[] => {
    const found = lists.get(id) ?? [];
    lists.set(id, found);
    return found;
  };
  for (const { set, element } of addresses) {
    if (!set.startsWith('identity') && !set.startsWith('self')) list(`set ${valueOf(element)}`);
  }
  for (const { set, element } of entries) {
    const ofSet = set === shared.classes || set === shared.anyone;
    if (ofSet) list(`class ${valueOf(element)}`);
    list(`${ofSet ? 'set' : 'class'} ${decodeId(element.key)}`).push(textOf({ set, element }));
  }
  return new Map([...lists].map(([id, texts]) => [id, texts.sort().join(' ')]));
}

function contradicts(held: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): boolean {
  return [...wanted].some(([id, text]) => held.has(id) && held.get(id) !== text);
}

/** The second word. */
function valueOf({ value }: Element): number {
  return decodeId(value?.subarray(4) ?? new Uint8Array());
}

function textOf({ set, element: { key, last, value } }: Entry): string {
  const parts = [key, last, value].map((bytes) => Buffer.from(bytes ?? []).toString('hex'));
  return `${set}:${parts.join(':')}`;
}

function difference(held: readonly Entry[], wanted: readonly Entry[]): Edit {
  const has = new Set(held.map(textOf));
  const wants = new Set(wanted.map(textOf));
  return {
    remove: held.filter((entry) => !wants.has(textOf(entry))),
    add: wanted.filter((entry) => !has.has(textOf(entry))),
  };
}

function wholeVersion(version: Version, { stage }: Delta): Edit {
  const ranges = rangesOf(nextCidrs(new Map(), stage.cidrs));
  return combined(addressEdit(version, stage.addresses), rangeEdit(version, [], ranges));
}

function versionEdit(readSet: ReadSet, version: Version, delta: Delta): Edit {
  const tables = families.flatMap((family) =>
    (['identity', 'egress', 'ingress', 'self'] as const).map((table) => setName(table, family, version)),
  );
  const ranges = families.flatMap((family) =>
    readRanges(family, readSet(setName('range', family, version)) ?? []),
  );
  const wanted = addressEdit(version, delta.stage.addresses).add;
  const wantedRanges = rangesOf(nextCidrs(new Map(), delta.stage.cidrs));
  return combined(difference(heldIn(readSet, tables), wanted), rangeEdit(version, ranges, wantedRanges));
}

/** Beginnings and ends, as the set holds them, in pairs. */
function readRanges(family: IpFamily, elements: readonly Element[]): AddressRange[] {
  const marks = elements
    .map(({ key, end = false, ...rest }) => ({ bits: bitsOf(key), end, identity: valueOf({ key, ...rest }) }))
    // An end stands before a beginning at the same address: it is the end of the range before.
    .sort((a, b) => (a.bits === b.bits ? Number(b.end) - Number(a.end) : a.bits < b.bits ? -1 : 1));
  return marks.flatMap(({ bits, end, identity }, index) => {
    if (end) return [];
    const after = marks[index + 1]?.bits ?? 1n << BigInt(addressWidth(family));
    return [{ family, first: bits, last: after - 1n, identity }];
  });
}

function bitsOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}
