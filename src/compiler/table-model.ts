/**
 * An in-memory datapath: applies deltas one map write at a time and judges flows as the kernel does. It defines what
 * tables.ts asks of a datapath, and lets tests look at every state in between.
 */
import type { Address, Cidr } from '../objects/ip.ts';
import type { Flow, Reason } from '../policy/verdict.ts';
import { exempt, outcome } from './lookup.ts';
import type { Outcome } from './lookup.ts';
import { cidrContains } from '../objects/ip.ts';
import { anyProtocol } from './program.ts';
import type { IdentityId, SetId } from './program.ts';
import { unprogrammedIdentity } from './tables.ts';
import type { AddressValue, ClassRow, Delta, NodeTables, PortRow } from './tables.ts';

/** Up to the epoch before `since`, `previous` counts; from then on `current`. */
interface Versions<T> {
  readonly since: number;
  readonly previous: T;
  readonly current: T;
}

interface AddressVersions extends Versions<AddressValue | undefined> {
  readonly address: Address;
}

interface CidrVersions extends Versions<IdentityId> {
  readonly cidr: Cidr;
  /** Whether the row is there only for the sake of the epoch before or after the commit. */
  readonly isNew: boolean;
  readonly isGone: boolean;
}

export interface TableOutcome extends Omit<Outcome, 'reason'> {
  readonly reason: Reason | 'unprogrammed';
}

export interface TableVerdict {
  readonly allowed: boolean;
  readonly egress: TableOutcome;
  readonly ingress: TableOutcome;
}

export class TableModel {
  readonly #addresses = new Map<string, AddressVersions>();
  readonly #cidrs = new Map<string, CidrVersions>();
  readonly #classes = new Map<string, ClassRow>();
  readonly #ports = new Map<string, PortRow>();
  /** What the last delta left to be removed. */
  #unswept: Delta | undefined;
  #epoch = 0;

  /** A packet that is being judged now has read this. */
  get epoch(): number {
    return this.#epoch;
  }

  apply(delta: Delta): void {
    for (const _ of this.applySteps(delta));
  }

  sweep(): void {
    for (const _ of this.sweepSteps());
  }

  /**
   * One map write per step, up to and including the commit. What the delta before left to be swept goes first: this
   * delta may add it again.
   */
  *applySteps(delta: Delta): Generator<void> {
    yield* this.sweepSteps();
    for (const row of delta.add.ports) {
      this.#ports.set(portKey(row), row);
      yield;
    }
    for (const row of delta.add.classes) {
      this.#classes.set(classKey(row), row);
      yield;
    }
    const since = this.#epoch + 1;
    for (const { addresses, from, to } of delta.stage.addresses) {
      for (const address of addresses) {
        this.#addresses.set(address.text, { address, since, previous: from, current: to });
        yield;
      }
    }
    for (const { cidr, from, to, isNew, isGone } of delta.stage.cidrs) {
      this.#cidrs.set(cidr.text, { cidr, since, previous: from, current: to, isNew, isGone });
      yield;
    }
    this.#epoch = since;
    this.#unswept = delta;
    yield;
  }

  /** One map write per step; no packet that has read an older epoch may be left. */
  *sweepSteps(): Generator<void> {
    const delta = this.#unswept;
    if (!delta) return;
    this.#unswept = undefined;
    for (const { addresses, to } of delta.stage.addresses) {
      for (const address of to ? [] : addresses) {
        this.#addresses.delete(address.text);
        yield;
      }
    }
    for (const { cidr, isGone } of delta.stage.cidrs) {
      if (!isGone) continue;
      this.#cidrs.delete(cidr.text);
      yield;
    }
    for (const row of delta.sweep.classes) {
      this.#classes.delete(classKey(row));
      yield;
    }
    for (const row of delta.sweep.ports) {
      this.#ports.delete(portKey(row));
      yield;
    }
  }

  /** Everything in the maps, with what counts in the current epoch; rows that count for nothing are left out. */
  tables(): NodeTables {
    const addresses = this.#addresses.values().flatMap(({ address, ...versions }) => {
      const value = versionAt(versions, this.#epoch);
      return value ? [[address.text, { address, value }] as const] : [];
    });
    const cidrs = this.#cidrs.values().flatMap(({ cidr, isNew, isGone, ...versions }) => {
      const absent = versions.since <= this.#epoch ? isGone : isNew;
      return absent ? [] : [[cidr.text, { cidr, identity: versionAt(versions, this.#epoch) }] as const];
    });
    return {
      addresses: new Map(addresses),
      cidrs: new Map(cidrs),
      classes: new Map(this.#classes),
      ports: new Map(this.#ports),
    };
  }

  /** Number of entries in all maps, whatever they count for. */
  get size(): number {
    return this.#addresses.size + this.#cidrs.size + this.#classes.size + this.#ports.size;
  }

  /** Egress for a source, ingress for a destination that is a pod of this node; the rest is not for it to judge. */
  judge(flow: Flow, epoch = this.#epoch): TableVerdict {
    const source = this.#find(flow.source, epoch);
    const destination = this.#find(flow.destination, epoch);
    const egress = this.#judgeEgress(flow, source, destination);
    const ingress = this.#judgeIngress(flow, source, destination);
    return { allowed: egress.allowed && ingress.allowed, egress, ingress };
  }

  #judgeEgress(flow: Flow, source: AddressValue, destination: AddressValue): TableOutcome {
    if (source.identity === unprogrammedIdentity) return unprogrammed;
    if (source.role !== 'local-pod') return exempt('no-subject');
    if (flow.source.text === flow.destination.text) return exempt('self');
    return this.#lookup(source.egressSet, destination.identity, flow);
  }

  #judgeIngress(flow: Flow, source: AddressValue, destination: AddressValue): TableOutcome {
    if (destination.identity === unprogrammedIdentity) return unprogrammed;
    if (destination.role !== 'local-pod') return exempt('no-subject');
    if (flow.source.text === flow.destination.text) return exempt('self');
    if (source.role === 'local-node') return exempt('node');
    return this.#lookup(destination.ingressSet, source.identity, flow);
  }

  #lookup(set: SetId, identity: IdentityId, flow: Flow): TableOutcome {
    if (set === 0) return exempt('not-isolated');
    const row = this.#classes.get(`${set}:${identity}`) ?? this.#classes.get(`${set}:0`);
    return outcome(set, row && this.#findPort(row, flow));
  }

  #findPort({ class: id, lengths }: ClassRow, flow: Flow): PortRow | undefined {
    for (let length = 16; length >= 0; length -= 1) {
      if (((lengths >>> length) & 1) === 0) continue;
      const port = flow.port & (0xffff << (16 - length));
      const row = this.#ports.get(`${id}:${flow.protocol}:${port}/${length}`);
      if (row && flow.protocol !== anyProtocol) return row;
    }
    return lengths >>> 31 === 1 ? this.#ports.get(`${id}:${anyProtocol}:0/0`) : undefined;
  }

  #find(address: Address, epoch: number): AddressValue {
    const versions = this.#addresses.get(address.text);
    const exact = versions && versionAt(versions, epoch);
    if (exact) return exact;
    let match: CidrVersions | undefined;
    for (const row of this.#cidrs.values()) {
      const longer = !match || row.cidr.prefixLength > match.cidr.prefixLength;
      if (longer && cidrContains(row.cidr, address)) match = row;
    }
    return { identity: match ? versionAt(match, epoch) : 0, ingressSet: 0, egressSet: 0, role: 'remote' };
  }
}

const unprogrammed: TableOutcome = { allowed: false, reason: 'unprogrammed', rule: 0, set: 0 };

function versionAt<T>({ since, previous, current }: Versions<T>, epoch: number): T {
  return epoch >= since ? current : previous;
}

function portKey(row: PortRow): string {
  return `${row.class}:${row.protocol}:${row.port}/${row.prefixLength}`;
}

function classKey({ set, identity }: ClassRow): string {
  return `${set}:${identity}`;
}
