/** Nested prefixes, of which the longest counts, as ranges that don't overlap: nf_tables has no longest-prefix match. */
import type { IdentityId } from '../../compiler/program.ts';
import type { CidrRow } from '../../compiler/tables.ts';
import { addressWidth } from '../../objects/ip.ts';
import type { IpFamily } from '../../objects/ip.ts';

export interface AddressRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
  readonly identity: IdentityId;
}

interface Open {
  readonly last: bigint;
  readonly identity: IdentityId;
}

/** Rows of one family; ascending. Neighbours with one identity become one range. */
export function addressRanges(family: IpFamily, rows: Iterable<CidrRow>): AddressRange[] {
  const sorted = [...rows]
    .filter(({ cidr }) => cidr.family === family)
    .sort((a, b) =>
      a.cidr.bits === b.cidr.bits
        ? a.cidr.prefixLength - b.cidr.prefixLength
        : a.cidr.bits < b.cidr.bits
          ? -1
          : 1,
    );
  const ranges: AddressRange[] = [];
  /** Prefixes around where we are, the innermost last. */
  const open: Open[] = [];
  let at = 0n;
  /** What the innermost prefix has from `at` to `last`. */
  const emit = (last: bigint): void => {
    const innermost = open.at(-1);
    if (!innermost || last < at) return;
    const { identity } = innermost;
    const before = ranges.at(-1);
    if (before?.identity === identity && before.last + 1n === at)
      ranges[ranges.length - 1] = { ...before, last };
    else ranges.push({ family, first: at, last, identity });
    at = last + 1n;
  };
  const closeUntil = (next: bigint): void => {
    for (let innermost = open.at(-1); innermost && innermost.last < next; innermost = open.at(-1)) {
      emit(innermost.last);
      open.pop();
    }
  };
  for (const { cidr, identity } of sorted) {
    closeUntil(cidr.bits);
    emit(cidr.bits - 1n);
    at = cidr.bits;
    const hostBits = BigInt(addressWidth(family) - cidr.prefixLength);
    open.push({ last: cidr.bits | ((1n << hostBits) - 1n), identity });
  }
  closeUntil(1n << BigInt(addressWidth(family)));
  return ranges;
}

export interface RangeChanges {
  readonly gone: readonly AddressRange[];
  readonly come: readonly AddressRange[];
}

export function rangeChanges(before: readonly AddressRange[], after: readonly AddressRange[]): RangeChanges {
  const keyOf = ({ first, last, identity }: AddressRange): string => `${first}-${last}:${identity}`;
  const had = new Set(before.map(keyOf));
  const has = new Set(after.map(keyOf));
  return {
    gone: before.filter((range) => !has.has(keyOf(range))),
    come: after.filter((range) => !had.has(keyOf(range))),
  };
}
