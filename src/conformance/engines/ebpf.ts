/**
 * The programs in the kernel on real packet bytes, by BPF_PROG_TEST_RUN: tables per node, nothing attached, no network.
 * A packet is judged on the node that it leaves from and on the one that it goes to, at the hook that it would meet
 * there.
 */
import { Compiler } from '../../compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../compiler/delta.ts';
import { nodeTables } from '../../compiler/node-tables.ts';
import type { Program } from '../../compiler/program.ts';
import type { NodeTables } from '../../compiler/tables.ts';
import { defaultCapacity } from '../../datapath/ebpf/capacity.ts';
import { loadObject } from '../../datapath/ebpf/object.ts';
import type { LoadedObject } from '../../datapath/ebpf/object.ts';
import { requireBpf, thisMachine } from '../../datapath/ebpf/requirements.ts';
import { Tables } from '../../datapath/ebpf/tables.ts';
import { testRun } from '../../datapath/ebpf/test-run.ts';
import { ipv4, ipv6, transport } from '../../datapath/packet.ts';
import { bpfObject } from '../../lab/datapaths.ts';
import type { Cluster, Node } from '../../objects/model.ts';
import type { Flow } from '../../policy/verdict.ts';
import type { Answer, Engine, EngineSession, EngineState, Question } from '../engine.ts';

export const ebpf: Engine = {
  name: 'ebpf',
  summary: 'the eBPF programs in the kernel, on packet bytes (root)',
  sendsPackets: false,
  open: async ({ nodes }) => {
    requireBpf(thisMachine());
    return new EbpfSession(nodes);
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

class EbpfSession implements EngineSession {
  readonly #compiler = new Compiler();
  readonly #nodes: ReadonlyMap<string, KernelNode>;
  #cluster: Cluster | undefined;

  constructor(nodes: readonly string[]) {
    this.#nodes = new Map(nodes.map((name) => [name, new KernelNode()]));
  }

  async apply({ cluster, policies }: EngineState): Promise<void> {
    const program = this.#compiler.compile(cluster, policies);
    for (const node of cluster.nodes.values()) this.#nodeOf(node.name).enforce(program, node);
    this.#cluster = cluster;
  }

  async judge(questions: readonly Question[]): Promise<readonly Answer[]> {
    return questions.map((question) => this.#judge(question));
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) node.close();
  }

  #judge({ from, to, flow }: Question): Answer {
    const [source, destination] = [from, to].map((end) => {
      if (end.kind === 'outside') return undefined;
      return end.kind === 'pod' ? end.pod.node : end.node.name;
    });
    const isSentByNode = from.kind === 'node' || (from.kind === 'pod' && from.pod.hostNetwork);
    if (isSentByNode && source === destination)
      return {
        verdict: 'skipped',
        reason: 'a node reaches its own pods past the hooks: only real packets show it',
      };
    const packet = packetOf(flow);
    const way = isSentByNode ? [destination] : [source, destination];
    const allowed = [...new Set(way)].every(
      (name) => name === undefined || this.#nodeOf(name).accepts(packet, flow, this.#hook(name, flow)),
    );
    return { verdict: allowed ? 'allowed' : 'denied' };
  }

  #hook(node: string, { destination }: Flow): 'forward' | 'local_in' {
    const addresses = this.#cluster?.nodes.get(node)?.addresses ?? [];
    return addresses.some(({ text }) => text === destination.text) ? 'local_in' : 'forward';
  }

  #nodeOf(name: string): KernelNode {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }
}

/** One node's programs and tables. */
class KernelNode {
  readonly #object: LoadedObject = loadObject({
    objectPath: bpfObject(),
    capacity,
    testTracking: newConnection,
  });
  readonly #tables = new Tables({ maps: this.#object.maps, capacity, flags: 0 });
  #held: NodeTables = emptyTables;

  enforce(program: Program, node: Node): void {
    const next = nodeTables(program, node.name, node.podCIDRs);
    this.#tables.apply(computeDelta(this.#held, next));
    this.#held = next;
  }

  accepts(packet: Uint8Array, { source }: Flow, hook: 'forward' | 'local_in'): boolean {
    return testRun(this.#object.programs[`${hook}${source.family}`], packet).accepted;
  }

  close(): void {
    this.#object.close();
  }
}

function packetOf({ source, destination, protocol, port }: Flow): Uint8Array {
  const build = source.family === 4 ? ipv4 : ipv6;
  return build({ source, destination, protocol, payload: transport(protocol, port) });
}
