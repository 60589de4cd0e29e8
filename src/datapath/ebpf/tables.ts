/**
 * One node's tables in the kernel, changed so that a packet sees the old policy or the new one, whole.
 *
 * The address tables exist twice; packets use the copy that the low bit of the epoch names. A delta is written to the
 * other copy, ports, classes and subjects are added that nothing refers to yet, and then the epoch is stored. Afterwards
 * (`sweep`) the copy that went out of use is made equal to the other one, and what is unreachable is removed. A packet
 * that was judged while the epoch changed is judged again (bpf/judge.h), so no grace period is needed anywhere: nothing
 * that the current epoch reaches is ever written.
 */
import type { AddressValue, Delta } from '../../compiler/tables.ts';
import { unprogrammedIdentity } from '../../compiler/tables.ts';
import type { IdentityId } from '../../compiler/program.ts';
import { BulkheadError, failure } from '../../errors.ts';
import type { IpFamily } from '../../objects/ip.ts';
import { DatapathFull } from '../datapath-full.ts';
import type { TableCapacity } from '../table-capacity.ts';
import type { AddressTable } from './address-table.ts';
import { Addresses4 } from './addresses4.ts';
import { Addresses6 } from './addresses6.ts';
import type { Capacity } from './capacity.ts';
import { Hash } from './hash.ts';
import type { HashSeed } from './hash.ts';
import { classSlot, layouts, pairSlot } from './layout.ts';
import type { Version } from './layout.ts';
import { Ports } from './ports.ts';
import { subject, unprogrammed } from './prefix-rows.ts';
import { SlotTable } from './slot-table.ts';
import type { Row } from './slot-table.ts';
import { Subjects } from './subjects.ts';
import { TableFull } from './table-full.ts';
import type { TableMemory } from './table-memory.ts';

type Stage = Delta['stage'];
type Sizes = Record<'addresses4' | 'addresses6' | 'cidrs4' | 'cidrs6' | 'classes' | 'ports', number>;
const families: readonly IpFamily[] = [4, 6];

export class Tables {
  readonly #memory: TableMemory;
  readonly #capacity: Capacity;
  readonly #addresses: Readonly<Record<IpFamily, AddressTable>>;
  readonly #subjects: Subjects;
  readonly #classes: SlotTable;
  readonly #ports: Ports;
  /** Rows of one copy, with ports and classes that await the sweep. */
  #sizes: Sizes = { addresses4: 0, addresses6: 0, cidrs4: 0, cidrs6: 0, classes: 0, ports: 0 };
  #epoch = 0;
  /** The delta that the copy out of use has not seen. */
  #unswept: Delta | undefined;
  /** What the change that is under way has added to `classes`. */
  #added: Row[] = [];
  /** Set when not even taking back worked: the copy out of use is in an unknown state. */
  #broken: unknown;

  /** The memory must be zero; `flags` is what control says beside the epoch. */
  constructor(options: { memory: TableMemory; seed: HashSeed; capacity: Capacity; flags: number }) {
    const { memory, seed, capacity, flags } = options;
    const hash = new Hash(seed);
    this.#memory = memory;
    this.#capacity = capacity;
    this.#addresses = {
      4: new Addresses4({ roots: memory.roots4, nodes: memory.nodes4 }),
      6: new Addresses6({ table: memory.addresses6, directory: memory.directory6, hash }),
    };
    this.#subjects = new Subjects(memory.subjects);
    this.#classes = new SlotTable({ memory: memory.classes, shape: pairSlot, hash });
    this.#ports = new Ports({ table: memory.ports, lists: memory.port_lists, hash });
    memory.control.write(layouts.control.flags / 4, flags);
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
    try {
      this.#withRoom('ports', () => {
        this.#ports.add(delta.add.ports);
      });
      this.#withRoom('classes', () => {
        this.#addClasses(delta.add.classes);
      });
      this.#stage(delta.stage);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#commit();
    this.#sizes = sizes;
    this.#unswept = delta;
  }

  /** As Datapath.sweep; nothing to wait for. */
  sweep(): void {
    const delta = this.#unswept;
    if (!delta) return;
    this.#refuseIfBroken();
    try {
      for (const family of families) this.#addresses[family].keep(inUse(this.#epoch));
      for (const row of delta.sweep.classes) this.#classes.remove(classSlot(row));
      this.#ports.remove(delta.sweep.ports);
      this.#ports.keep();
      for (const { addresses, from } of delta.stage.addresses) {
        if (isLocal(from)) for (const _ of addresses) this.#subjects.release(from);
      }
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

  /** Every row of the tables, by table: those of the copy in use where there are two. Only after a sweep. */
  rows(): Record<'addresses4' | 'addresses6' | 'classes' | 'ports', Row[]> {
    return {
      addresses4: [...this.#addresses[4].rows()],
      addresses6: [...this.#addresses[6].rows()],
      classes: [...this.#classes.rows()],
      ports: [...this.#ports.rows()],
    };
  }

  /** What is there already means the same: an id stands for its content. */
  #addClasses(rows: Delta['add']['classes']): void {
    for (const row of rows) {
      const slot = this.#ports.classSlot(row);
      if (this.#classes.get(slot)) continue;
      this.#added.push(slot);
      this.#classes.put(slot);
    }
  }

  /** What goes first, to make room. */
  #stage({ addresses, cidrs }: Stage): void {
    for (const change of addresses) {
      for (const address of change.to ? [] : change.addresses)
        this.#addresses[address.family].removeAddress(address);
    }
    for (const { cidr, isGone } of cidrs) if (isGone) this.#addresses[cidr.family].removePrefix(cidr);
    this.#withRoom('addresses', () => {
      for (const change of addresses) {
        const { to } = change;
        if (!to) continue;
        for (const address of change.addresses) {
          this.#addresses[address.family].putAddress(address, this.#valueOf(to));
        }
      }
    });
    this.#withRoom('cidrs', () => {
      for (const { cidr, to, isGone } of cidrs) {
        if (!isGone) this.#addresses[cidr.family].putPrefix(cidr, identityValue(to));
      }
    });
  }

  #valueOf(value: AddressValue): number {
    const { identity, role } = value;
    return role === 'remote' ? identityValue(identity) : subject + this.#subjects.acquire(value);
  }

  #withRoom(what: 'addresses' | 'cidrs' | 'classes' | 'ports', write: () => void): void {
    try {
      write();
    } catch (error) {
      if (error instanceof TableFull) throw new DatapathFull({ what, capacity: this.#capacity[what] }, error);
      throw error;
    }
  }

  #commit(): void {
    this.#epoch += 1;
    this.#memory.control.publish(layouts.control.epoch / 4, this.#epoch);
    this.#added = [];
    this.#ports.keep();
    this.#subjects.keep();
  }

  /** Undoes whatever part of a delta was written. */
  #takeBack(): void {
    try {
      for (const row of this.#added) this.#classes.remove(row);
      this.#added = [];
      this.#ports.takeBack();
      for (const family of families) this.#addresses[family].takeBack(inUse(this.#epoch));
      this.#subjects.takeBack();
    } catch (error) {
      this.#broken = error;
    }
  }

  /** What the sweep removes needs no room: it has slots that the capacity leaves free, as long as there are some. */
  #requireRoom(sizes: Sizes, delta: Delta): void {
    const { sweep } = delta;
    const needs: [keyof TableCapacity, number][] = [
      ['addresses', Math.max(sizes.addresses4, sizes.addresses6)],
      ['cidrs', Math.max(sizes.cidrs4, sizes.cidrs6)],
      ['classes', sizes.classes - sweep.classes.length],
      ['ports', sizes.ports - sweep.ports.length],
      ['rules', ruleLimit(delta)],
    ];
    for (const [what, needed] of needs) {
      if (needed > this.#capacity[what])
        throw new DatapathFull({ what, capacity: this.#capacity[what], needed });
    }
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

/** The copy that packets of this epoch use. */
function inUse(epoch: number): Version {
  return epoch & 1 ? 1 : 0;
}

function isLocal(value: AddressValue | undefined): value is AddressValue {
  return value !== undefined && value.role !== 'remote';
}

function identityValue(identity: IdentityId): number {
  if (identity === unprogrammedIdentity) return unprogrammed;
  if (identity < unprogrammed) return identity;
  throw new DatapathFull({ what: 'identities', capacity: unprogrammed, needed: identity });
}

/** The change back. */
export function inverse({ add, stage, sweep }: Delta): Delta {
  return { add: sweep, stage: inverseStage(stage), sweep: add };
}

function inverseStage(stage: Stage): Stage {
  return {
    addresses: stage.addresses.map(({ addresses, from, to }) => ({
      addresses,
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
  for (const { addresses, from, to } of stage.addresses) {
    const difference = (to === undefined ? 0 : 1) - (from === undefined ? 0 : 1);
    for (const { family } of difference ? addresses : []) {
      next[family === 4 ? 'addresses4' : 'addresses6'] += difference;
    }
  }
  for (const { cidr, isNew, isGone } of stage.cidrs) {
    const key = cidr.family === 4 ? 'cidrs4' : 'cidrs6';
    next[key] += (isNew ? 1 : 0) - (isGone ? 1 : 0);
  }
  return next;
}
