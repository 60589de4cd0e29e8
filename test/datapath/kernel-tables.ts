/** The loaded programs with tables of their own, judged by BPF_PROG_TEST_RUN: no network, nothing attached. */
import { defaultCapacity } from '../../src/datapath/ebpf/capacity.ts';
import type { Capacity } from '../../src/datapath/ebpf/capacity.ts';
import { readCounters } from '../../src/datapath/ebpf/counters.ts';
import { decodeEvent } from '../../src/datapath/ebpf/events.ts';
import type { HashSeed } from '../../src/datapath/ebpf/hash.ts';
import { flags } from '../../src/datapath/ebpf/layout.ts';
import { loadObject } from '../../src/datapath/ebpf/object.ts';
import type { LoadedObject, ProgramName } from '../../src/datapath/ebpf/object.ts';
import { Tables } from '../../src/datapath/ebpf/tables.ts';
import { testRun } from '../../src/datapath/ebpf/test-run.ts';
import type { Counters, FlowEvent } from '../../src/datapath/datapath.ts';
import { RingBuffer } from '../../src/kernel/ring-buffer.ts';

export const objectPath = process.env['BULKHEAD_OBJECT'] ?? 'dist/bulkhead.bpf.o';
export const isRoot = process.getuid?.() === 0;

/** enum ip_conntrack_info */
export const tracking = { established: 0, related: 1, new: 2, reply: 3, relatedReply: 4 } as const;

/** Small, so that loading is quick. */
export const testCapacity: Capacity = {
  ...defaultCapacity,
  addresses: 1024,
  cidrs: 1024,
  classes: 4096,
  ports: 4096,
  rules: 4096,
  eventBytes: 1 << 16,
};

export interface Judgement {
  readonly accepted: boolean;
  readonly events: readonly FlowEvent[];
}

function trackingOption(options: { tracking?: number | undefined }): { testTracking?: number } {
  const given = 'tracking' in options ? options.tracking : tracking.new;
  return given === undefined ? {} : { testTracking: given };
}

export class KernelTables {
  readonly object: LoadedObject;
  readonly tables: Tables;
  readonly #ring: RingBuffer;

  constructor(
    options: {
      objectPath?: string;
      capacity?: Capacity;
      /** Given as undefined: as in production. */
      tracking?: number | undefined;
      events?: boolean;
      seed?: HashSeed;
    } = {},
  ) {
    const capacity = options.capacity ?? testCapacity;
    this.object = loadObject({
      objectPath: options.objectPath ?? objectPath,
      capacity,
      ...trackingOption(options),
      ...(options.seed && { testSeed: options.seed }),
    });
    const maps = this.object.maps;
    this.tables = new Tables({
      ...this.object,
      capacity,
      flags: (options.events ?? true) ? flags.allowedEvents : 0,
    });
    this.#ring = new RingBuffer(maps.events.fd, capacity.eventBytes);
  }

  judge(program: ProgramName, packet: Uint8Array): Judgement {
    const { accepted } = testRun(this.object.programs[program], packet);
    return { accepted, events: this.drain() };
  }

  /** Without taking the events out. */
  run(program: ProgramName, packet: Uint8Array, repeat = 1): boolean {
    return testRun(this.object.programs[program], packet, repeat).accepted;
  }

  drain(limit = Infinity): FlowEvent[] {
    const events: FlowEvent[] = [];
    this.#ring.drain(limit, (ring, offset) => events.push(decodeEvent(ring, offset)));
    return events;
  }

  counters(): Counters {
    return readCounters(this.object, 64);
  }

  close(): void {
    this.#ring.close();
    this.object.close();
  }
}
