/** The programs in the kernel on real packet bytes, by BPF_PROG_TEST_RUN: tables per node, nothing attached, no network. */
import type { Delta } from '../../compiler/tables.ts';
import { defaultCapacity } from '../../datapath/ebpf/capacity.ts';
import { loadObject } from '../../datapath/ebpf/object.ts';
import type { LoadedObject } from '../../datapath/ebpf/object.ts';
import { requireBpf, thisMachine } from '../../datapath/ebpf/requirements.ts';
import { Tables } from '../../datapath/ebpf/tables.ts';
import { testRun } from '../../datapath/ebpf/test-run.ts';
import { bpfObject } from '../../agent/node-datapath.ts';
import type { Engine } from '../engine.ts';
import { PacketSession } from './packet-session.ts';
import type { PacketNode } from './packet-session.ts';

export const ebpf: Engine = {
  name: 'ebpf',
  summary: 'the eBPF programs in the kernel, on packet bytes (root)',
  callsServices: false,
  open: async ({ nodes }) => {
    requireBpf(thisMachine());
    return new PacketSession(nodes, () => new KernelNode());
  },
};

/** Small, so that loading is quick; every case fits. */
const capacity = {
  ...defaultCapacity,
  addresses: 1024,
  cidrs: 1024,
  classes: 4096,
  ports: 4096,
  rules: 4096,
  eventBytes: 1 << 16,
};

/** enum ip_conntrack_info: every packet opens a connection. */
const newConnection = 2;

/** One node's programs and tables. */
class KernelNode implements PacketNode {
  readonly #object: LoadedObject = loadObject({
    objectPath: bpfObject(),
    capacity,
    testTracking: newConnection,
  });
  readonly #tables = new Tables({ ...this.#object, capacity, flags: 0 });

  apply(delta: Delta): void {
    this.#tables.apply(delta);
  }

  accepts(packet: Uint8Array, hook: 'forward' | 'local-in'): boolean {
    const family = (packet[0] ?? 0) >> 4 === 6 ? 6 : 4;
    const program = `${hook === 'forward' ? 'forward' : 'local_in'}${family}` as const;
    return testRun(this.#object.programs[program], packet).accepted;
  }

  close(): void {
    this.#object.close();
  }
}
