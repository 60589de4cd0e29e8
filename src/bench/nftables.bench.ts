/**
 * What the nftables engine costs beside the eBPF one: filling a node's tables, changing them, and taking packets through
 * them. Engines take turns, so that a slow moment of the machine hits all alike; medians. Packets are counted in CPU time
 * of one thread, which sends and receives on both sides of a node in network namespaces of its own. Needs root.
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { computeDelta, emptyTables } from '../compiler/delta.ts';
import type { NodeTables } from '../compiler/tables.ts';
import type { Datapath } from '../datapath/datapath.ts';
import { openEbpfDatapath } from '../datapath/ebpf/ebpf-datapath.ts';
import { openNftablesDatapath } from '../datapath/nftables/nftables-datapath.ts';
import { ensureBpffs } from '../kernel/bpffs.ts';
import { unmountAll } from '../kernel/mount.ts';
import { loadNft } from '../kernel/nft.ts';
import { BenchNetwork } from './bench-network.ts';
import { ends, NodeOfCluster } from './node-cluster.ts';
import type { ClusterSize } from './uniform-cluster.ts';

const sizes = {
  small: { policies: 10, pods: 100, namespaces: 2 },
  big: { policies: 10_000, pods: 10_000, namespaces: 1000 },
} as const satisfies Record<string, ClusterSize>;

const fills = 5;
const changes = 15;
const packetRounds = 11;
const connectionsPerRound = 400;
const datagramsPerRound = 2000;

const objectPath = fileURLToPath(new URL('../../dist/bulkhead.bpf.o', import.meta.url));
const bpffs = `/run/bulkhead-bench-${process.pid}`;

type EngineName = 'ebpf' | 'nftables';
const engineNames = ['ebpf', 'nftables'] as const satisfies readonly EngineName[];

/** `name` is no other datapath's. */
const engines: Readonly<Record<EngineName, (netns: string, name: string) => Datapath>> = {
  ebpf: (netns, name) =>
    openEbpfDatapath({
      netns,
      pinDir: `${bpffs}/${name}`,
      objectPath,
      events: false,
      podInterfacePrefix: 'veth',
    }),
  nftables: (netns) => openNftablesDatapath({ netns, events: false, podInterfacePrefix: 'veth' }),
};

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function ms(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${median(values).toFixed(2)} ms (${sorted[0]?.toFixed(2)} to ${sorted.at(-1)?.toFixed(2)})`;
}

function rowsOf({ addresses, cidrs, classes, ports }: NodeTables): string {
  return `${addresses.size} addresses, ${cidrs.size} prefixes, ${classes.size} classes, ${ports.size} ports`;
}

let networks = 0;

function withNetwork<T>(work: (network: BenchNetwork, name: string) => T): T {
  networks += 1;
  const name = `bhbench-${process.pid}-${networks}`;
  const network = new BenchNetwork(name, ends);
  try {
    return work(network, name);
  } finally {
    network.remove();
  }
}

/** An engine on a network of its own, with tables; the first `apply` is timed. */
function fill(engine: EngineName, tables: NodeTables): number {
  return withNetwork((network, name) => {
    const datapath = engines[engine](network.node, name);
    const took = timed(() => {
      datapath.apply(computeDelta(emptyTables, tables));
    });
    datapath.detach();
    return took;
  });
}

function measureFills(tables: NodeTables): void {
  const times: Record<EngineName, number[]> = { ebpf: [], nftables: [] };
  for (let round = 0; round < fills; round++)
    for (const engine of engineNames) times[engine].push(fill(engine, tables));
  for (const engine of engineNames) console.log(`  fill ${engine.padEnd(10)} ${ms(times[engine])}`);
}

/** There and back again, the sweep outside what is timed, as it happens later. */
function measureChange(title: string, before: NodeTables, after: NodeTables): void {
  withNetwork((first, firstName) => {
    withNetwork((second, secondName) => {
      const datapaths = {
        ebpf: engines.ebpf(first.node, firstName),
        nftables: engines.nftables(second.node, secondName),
      };
      const whole = computeDelta(emptyTables, before);
      for (const engine of engineNames) datapaths[engine].apply(whole);
      const deltas = [computeDelta(before, after), computeDelta(after, before)];
      const times: Record<EngineName, number[]> = { ebpf: [], nftables: [] };
      for (let round = 0; round < 2 * changes; round++) {
        for (const engine of engineNames) {
          const delta = deltas[round % 2];
          if (!delta) continue;
          datapaths[engine].sweep();
          times[engine].push(timed(() => datapaths[engine].apply(delta)));
        }
      }
      for (const engine of engineNames) {
        console.log(`  ${title}, ${engine.padEnd(10)} ${ms(times[engine])}`);
        datapaths[engine].detach();
      }
    });
  });
}

/** What can stand in a packet's way. */
const ways = ['nothing', 'conntrack', ...engineNames] as const;

function measurePackets(tables: NodeTables): void {
  const stands = ways.map((way) => {
    networks += 1;
    const name = `bhbench-${process.pid}-${networks}`;
    const network = new BenchNetwork(name, ends);
    const datapath = way === 'ebpf' || way === 'nftables' ? engines[way](network.node, name) : undefined;
    datapath?.apply(computeDelta(emptyTables, tables));
    if (way === 'conntrack')
      loadNft(network.node, 'table inet use { chain unused { ct state untracked; }; }');
    return { way, network, datapath, connections: [] as number[], datagrams: [] as number[] };
  });
  try {
    for (let round = 0; round < packetRounds + 2; round++) {
      for (const { network, connections, datagrams } of stands) {
        const [each, one] = [network.connections(connectionsPerRound), network.datagrams(datagramsPerRound)];
        if (round < 2) continue;
        connections.push(each);
        datagrams.push(one);
      }
    }
    const [bare] = stands;
    for (const { way, connections, datagrams } of stands) {
      const over = (values: readonly number[], base: readonly number[] | undefined): string =>
        `${(median(values) / 1000).toFixed(2)} µs (× ${(median(values) / median(base ?? [])).toFixed(2)})`;
      console.log(
        `  ${way.padEnd(10)} connection ${over(connections, bare?.connections)}, datagram ${over(datagrams, bare?.datagrams)}`,
      );
    }
  } finally {
    for (const { network, datapath } of stands) {
      datapath?.detach();
      network.remove();
    }
  }
}

if (process.geteuid?.() !== 0) {
  console.log('skipped: network namespaces need root');
} else {
  ensureBpffs(bpffs);
  try {
    for (const size of Object.values(sizes)) {
      const node = new NodeOfCluster(size);
      const tables = node.tables();
      console.log(`${size.policies} policies, ${size.pods} pods; one node holds ${rowsOf(tables)}`);
      measureFills(tables);
      measureChange('a pod elsewhere', tables, node.withPod());
      measureChange('a policy here  ', tables, node.withPolicy());
      measurePackets(tables);
    }
  } finally {
    unmountAll(bpffs);
    rmSync(bpffs, { recursive: true, force: true });
  }
}
