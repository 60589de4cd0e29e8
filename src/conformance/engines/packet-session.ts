/**
 * Single packets, judged by what nodes would enforce, without any network: each on the node that it leaves from and on the
 * one that it goes to, at the hook that it would meet there.
 */
import { Compiler } from '../../compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../compiler/delta.ts';
import { nodeTables } from '../../compiler/node-tables.ts';
import type { Delta, NodeTables } from '../../compiler/tables.ts';
import { ipv4, ipv6, transport } from '../../datapath/packet.ts';
import type { Cluster } from '../../objects/model.ts';
import type { Flow } from '../../policy/verdict.ts';
import type { Answer, EngineSession, EngineState, Question } from '../engine.ts';

export interface PacketNode {
  apply(delta: Delta): void;
  /** Of a packet that opens a connection. */
  accepts(packet: Uint8Array, hook: 'forward' | 'local-in'): boolean;
  close(): void;
}

interface HeldNode {
  readonly node: PacketNode;
  held: NodeTables;
}

export class PacketSession implements EngineSession {
  readonly #compiler = new Compiler();
  readonly #nodes: ReadonlyMap<string, HeldNode>;
  #cluster: Cluster | undefined;

  constructor(nodes: readonly string[], makeNode: () => PacketNode) {
    this.#nodes = new Map(nodes.map((name) => [name, { node: makeNode(), held: emptyTables }]));
  }

  async apply({ cluster, policies }: EngineState): Promise<void> {
    const program = this.#compiler.compile(cluster, policies);
    for (const { name, podCIDRs } of cluster.nodes.values()) {
      const place = this.#nodeOf(name);
      const next = nodeTables(program, name, podCIDRs);
      place.node.apply(computeDelta(place.held, next));
      place.held = next;
    }
    this.#cluster = cluster;
  }

  async judge(questions: readonly Question[]): Promise<readonly Answer[]> {
    return questions.map((question) => this.#judge(question));
  }

  async close(): Promise<void> {
    for (const { node } of this.#nodes.values()) node.close();
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
      (name) => name === undefined || this.#nodeOf(name).node.accepts(packet, this.#hook(name, flow)),
    );
    return { verdict: allowed ? 'allowed' : 'denied' };
  }

  #hook(node: string, { destination }: Flow): 'forward' | 'local-in' {
    const addresses = this.#cluster?.nodes.get(node)?.addresses ?? [];
    return addresses.some(({ text }) => text === destination.text) ? 'local-in' : 'forward';
  }

  #nodeOf(name: string): HeldNode {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }
}

function packetOf({ source, destination, protocol, port }: Flow): Uint8Array {
  const build = source.family === 4 ? ipv4 : ipv6;
  return build({ source, destination, protocol, payload: transport(protocol, port) });
}
