/**
 * One node's tables in the kernel, changed so that a packet sees the old policy or the new one, whole.
 *
 * The address tables exist twice in their maps; packets use the copy that the low bit of the epoch names. A delta is
 * written to the other copy, ports and classes are added under ids that nothing refers to yet, and then the epoch is
 * stored. Afterwards (`sweep`) the copy that went out of use gets the same delta, so that both are equal again, and
 * what is unreachable is removed. A packet that was judged while the epoch changed is judged again (bpf/judge.h), so
 * no grace period is needed anywhere: nothing that the current epoch reaches is ever written.
 */
import type { Delta } from '../../compiler/tables.ts';
import { BulkheadError, failure } from '../../errors.ts';
import type { BpfMap, PackedEntries, PackedKeys } from '../../kernel/bpf-map.ts';
import { SystemCallError } from '../../kernel/libc.ts';
import type { IpFamily } from '../../objects/ip.ts';
import { fullError } from './capacity.ts';
import type { Capacity } from './capacity.ts';
import {
  addressEntries,
  addressKeys,
  cidrEntries,
  cidrKeys,
  classEntries,
  classKeys,
  layouts,
  portEntries,
  portKeys,
} from './layout.ts';
import type { Version } from './layout.ts';

export const tableMaps = [
  'control',
  'addresses4',
  'addresses6',
  'cidrs4',
  'cidrs6',
  'classes',
  'ports',
] as const;
export type TableMaps = Readonly<Record<(typeof tableMaps)[number], BpfMap>>;

/** What one map must do; removals go first, to make room. */
interface Edit {
  readonly map: BpfMap;
  readonly what: keyof Capacity;
  readonly remove: PackedKeys;
  readonly put: PackedEntries;
}

type Stage = Delta['stage'];
type Sizes = Record<'addresses4' | 'addresses6' | 'cidrs4' | 'cidrs6' | 'classes' | 'ports', number>;

export class Tables {
  readonly #maps: TableMaps;
  readonly #capacity: Capacity;
  readonly #flags: number;
  /** Rows of one copy, with ports and classes that await the sweep. */
  #sizes: Sizes = { addresses4: 0, addresses6: 0, cidrs4: 0, cidrs6: 0, classes: 0, ports: 0 };
  #epoch = 0;
  /** The delta that the copy out of use has not seen. */
  #unswept: Delta | undefined;
  /** Set when not even taking back worked: the copy out of use is in an unknown state. */
  #broken: unknown;

  /** The maps must be empty; `flags` is what control says beside the epoch. */
  constructor(options: { maps: TableMaps; capacity: Capacity; flags: number }) {
    this.#maps = options.maps;
    this.#capacity = options.capacity;
    this.#flags = options.flags;
    this.#storeEpoch(0);
  }

  /** 0: nothing has been applied yet. */
  get epoch(): number {
    return this.#epoch;
  }

  /** As Datapath.apply. */
  apply(delta: Delta): void {
    this.#refuseIfBroken();
    this.sweep();
    const sizes = grown(this.#sizes, delta);
    this.#requireRoom(sizes, delta);
    const version = otherVersion(this.#epoch);
    const edits = [...this.#additions(delta), ...this.#staging(delta.stage, version)];
    try {
      for (const edit of edits) this.#write(edit);
    } catch (error) {
      this.#takeBack(delta, version);
      throw error;
    }
    this.#storeEpoch(this.#epoch + 1);
    this.#sizes = sizes;
    this.#unswept = delta;
  }

  /** As Datapath.sweep; nothing to wait for. */
  sweep(): void {
    const delta = this.#unswept;
    if (!delta) return;
    this.#refuseIfBroken();
    try {
      for (const edit of this.#staging(delta.stage, otherVersion(this.#epoch))) this.#write(edit);
      this.#maps.classes.remove(classKeys(delta.sweep.classes));
      this.#maps.ports.remove(portKeys(delta.sweep.ports));
    } catch (error) {
      this.#broken = error;
      throw error;
    }
    this.#sizes = {
      ...this.#sizes,
      classes: this.#sizes.classes - delta.sweep.classes.length,
      ports: this.#sizes.ports - delta.sweep.ports.length,
    };
    this.#unswept = undefined;
  }

  /** Undoes whatever part of the delta was written. Everything here may be done twice or for nothing. */
  #takeBack(delta: Delta, version: Version): void {
    try {
      for (const edit of this.#staging(inverseStage(delta.stage), version)) this.#write(edit);
      this.#maps.classes.remove(classKeys(delta.add.classes));
      this.#maps.ports.remove(portKeys(delta.add.ports));
    } catch (error) {
      this.#broken = error;
    }
  }

  #additions({ add }: Delta): Edit[] {
    const nothing = { count: 0, keys: new Uint8Array() };
    return [
      { map: this.#maps.ports, what: 'ports', remove: nothing, put: portEntries(add.ports) },
      { map: this.#maps.classes, what: 'classes', remove: nothing, put: classEntries(add.classes) },
    ];
  }

  #staging(stage: Stage, version: Version): Edit[] {
    return ([4, 6] as const).flatMap((family) => [
      this.#stagedAddresses(stage, family, version),
      this.#stagedCidrs(stage, family, version),
    ]);
  }

  #stagedAddresses(stage: Stage, family: IpFamily, version: Version): Edit {
    const rows = stage.addresses.filter((row) => row.address.family === family);
    const gone = rows.filter((row) => row.to === undefined).map((row) => row.address);
    const present = rows.flatMap(({ address, to }) => (to === undefined ? [] : [{ address, value: to }]));
    return {
      map: family === 4 ? this.#maps.addresses4 : this.#maps.addresses6,
      what: 'addresses',
      remove: addressKeys(family, version, gone),
      put: addressEntries(family, version, present),
    };
  }

  #stagedCidrs(stage: Stage, family: IpFamily, version: Version): Edit {
    const rows = stage.cidrs.filter((row) => row.cidr.family === family);
    const gone = rows.filter((row) => row.isGone).map((row) => row.cidr);
    const present = rows.filter((row) => !row.isGone).map(({ cidr, to }) => ({ cidr, identity: to }));
    return {
      map: family === 4 ? this.#maps.cidrs4 : this.#maps.cidrs6,
      what: 'cidrs',
      remove: cidrKeys(family, version, gone),
      put: cidrEntries(family, version, present),
    };
  }

  #requireRoom(sizes: Sizes, delta: Delta): void {
    const needs: [keyof Capacity, number][] = [
      ['addresses', Math.max(sizes.addresses4, sizes.addresses6)],
      ['cidrs', Math.max(sizes.cidrs4, sizes.cidrs6)],
      ['classes', sizes.classes],
      ['ports', sizes.ports],
      ['rules', ruleLimit(delta)],
    ];
    for (const [what, needed] of needs) {
      if (needed > this.#capacity[what]) throw fullError({ what, capacity: this.#capacity[what], needed });
    }
  }

  #write({ map, what, remove, put }: Edit): void {
    try {
      map.remove(remove);
      map.put(put);
    } catch (error) {
      if (error instanceof SystemCallError && (error.code === 'E2BIG' || error.code === 'ENOSPC'))
        throw fullError({ what, capacity: this.#capacity[what] }, error);
      throw error;
    }
  }

  #storeEpoch(epoch: number): void {
    const value = new DataView(new ArrayBuffer(layouts.control.size));
    value.setUint32(layouts.control.epoch, epoch, true);
    value.setUint32(layouts.control.flags, this.#flags, true);
    this.#maps.control.set(new Uint8Array(4), new Uint8Array(value.buffer));
    this.#epoch = epoch;
  }

  #refuseIfBroken(): void {
    if (this.#broken === undefined) return;
    throw new BulkheadError(
      failure(
        'DATAPATH_BROKEN',
        'an earlier change failed and could not be taken back whole; the policy before it goes on being enforced',
        { hint: 'Start the datapath anew: it takes over with fresh tables, and nothing is open in between.' },
      ),
      { cause: this.#broken },
    );
  }
}

/** The copy that packets of this epoch do not use. */
function otherVersion(epoch: number): Version {
  return epoch & 1 ? 0 : 1;
}

/** The change back. */
export function inverse({ add, stage, sweep }: Delta): Delta {
  return { add: sweep, stage: inverseStage(stage), sweep: add };
}

function inverseStage(stage: Stage): Stage {
  return {
    addresses: stage.addresses.map(({ address, from, to }) => ({
      address,
      ...(to === undefined ? {} : { from: to }),
      ...(from === undefined ? {} : { to: from }),
    })),
    cidrs: stage.cidrs.map(({ cidr, from, to, isNew, isGone }) => ({
      cidr,
      from: to,
      to: from,
      isNew: isGone,
      isGone: isNew,
    })),
  };
}

function ruleLimit({ add }: Delta): number {
  return add.ports.reduce((most, row) => Math.max(most, row.rule + 1), 0);
}

/** Sizes after the commit and before the sweep. */
function grown(sizes: Sizes, { add, stage }: Delta): Sizes {
  const next = { ...sizes };
  next.ports += add.ports.length;
  next.classes += add.classes.length;
  for (const { address, from, to } of stage.addresses) {
    const key = address.family === 4 ? 'addresses4' : 'addresses6';
    next[key] += (to === undefined ? 0 : 1) - (from === undefined ? 0 : 1);
  }
  for (const { cidr, isNew, isGone } of stage.cidrs) {
    const key = cidr.family === 4 ? 'cidrs4' : 'cidrs6';
    next[key] += (isNew ? 1 : 0) - (isGone ? 1 : 0);
  }
  return next;
}
