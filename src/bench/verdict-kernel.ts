/** The loaded programs with tables and flows, whose packets BPF_PROG_TEST_RUN times. */
import { fileURLToPath } from 'node:url';
import { computeDelta, emptyTables } from '../compiler/delta.ts';
import type { NodeTables } from '../compiler/tables.ts';
import { defaultCapacity } from '../datapath/ebpf/capacity.ts';
import type { Capacity } from '../datapath/ebpf/capacity.ts';
import { flags } from '../datapath/ebpf/layout.ts';
import { loadObject } from '../datapath/ebpf/object.ts';
import type { LoadedObject, LoadOptions, ProgramName } from '../datapath/ebpf/object.ts';
import { Tables } from '../datapath/ebpf/tables.ts';
import { testRun } from '../datapath/ebpf/test-run.ts';
import { ipv4, ipv6, tcp } from '../datapath/packet.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import { writeFlows } from './verdict-flows.ts';
import type { BenchFlow, FlowList } from './verdict-flows.ts';

const objectPath = fileURLToPath(new URL('../../dist/bulkhead.bpf.o', import.meta.url));
/** Fits into the event ring, so that no event is lost. */
const runsPerDrain = 10_000;

/** enum ip_conntrack_info */
const tracking = { new: 2, later: 0, reply: 3 } as const;
export type Kind = keyof typeof tracking;
export type Stage = NonNullable<LoadOptions['testStage']>;

/** Tables in the kernel, which programs share. */
export class KernelRows {
  readonly capacity: Capacity;
  readonly object: LoadedObject;

  constructor(rows: NodeTables, { events = false }: { events?: boolean } = {}) {
    this.capacity = {
      ...defaultCapacity,
      cidrs: Math.max(defaultCapacity.cidrs, rows.cidrs.size),
      subjects: Math.max(defaultCapacity.subjects, rows.addresses.size),
      classes: Math.max(defaultCapacity.classes, rows.classes.size),
      ports: Math.max(defaultCapacity.ports, rows.ports.size),
    };
    this.object = loadObject({ objectPath, capacity: this.capacity });
    const { memory, seed } = this.object;
    const tables = new Tables({
      memory,
      seed,
      capacity: this.capacity,
      flags: events ? flags.allowedEvents : 0,
    });
    tables.apply(computeDelta(emptyTables, rows));
  }
}

interface KernelOptions {
  readonly kind: Kind;
  /** Without: every packet is judged by the tables. */
  readonly cache?: boolean;
  /** How many flows there may be that take turns. */
  readonly flows?: number;
  /** After which every packet passes. */
  readonly stage?: Stage;
}

export class Kernel {
  readonly #object: LoadedObject;
  readonly #ring: RingBuffer;
  readonly #room: number;
  #list: FlowList | undefined;
  #events = 0;

  constructor(rows: KernelRows, { kind, cache = true, flows, stage }: KernelOptions) {
    const cachedVerdicts = cache ? defaultCapacity.cachedVerdicts : 0;
    const capacity = { ...rows.capacity, cachedVerdicts };
    this.#room = flows ?? 0;
    this.#object = loadObject({
      objectPath,
      capacity,
      testTables: rows.object,
      testTracking: tracking[kind],
      ...(flows === undefined ? {} : { testFlows: flows }),
      ...(stage === undefined ? {} : { testStage: stage }),
    });
    this.#ring = new RingBuffer(this.#object.maps.events.fd, capacity.eventBytes);
  }

  allows(flow: BenchFlow): boolean {
    return testRun(this.#object.programs.forward4, packetFor(flow)).accepted;
  }

  /** Nanoseconds per packet; the packet must pass. */
  run(program: ProgramName, packet: Uint8Array, repeat: number): number {
    const { accepted, nanoseconds } = testRun(this.#object.programs[program], packet, repeat);
    if (!accepted) throw new Error('a packet of the benchmark was dropped');
    return nanoseconds;
  }

  /** The flows take turns, after each of them was seen once. */
  runFlows(list: FlowList, repeat: number): number {
    if (this.#list !== list) writeFlows(this.#object.maps.test_flows, list, this.#room);
    this.#list = list;
    this.run('forward4', list.packet, list.count);
    return this.run('forward4', list.packet, repeat);
  }

  /** With an event each, which are taken out outside the measured time. */
  runWithEvents(program: ProgramName, packet: Uint8Array, repeat: number): number {
    let sum = 0;
    for (let done = 0; done < repeat; done += runsPerDrain) {
      sum += this.run(program, packet, runsPerDrain) * runsPerDrain;
      this.#events += this.#ring.drain(Infinity, () => undefined);
    }
    return sum / repeat;
  }

  get events(): number {
    return this.#events;
  }
}

export function packetFor({ source, destination, ...rest }: BenchFlow): Uint8Array {
  const packet = { source, destination, protocol: 6, payload: tcp(rest) };
  return source.family === 4 ? ipv4(packet) : ipv6(packet);
}
