/**
 * What a verdict costs in the kernel, by BPF_PROG_TEST_RUN of the loaded programs on one packet: nanoseconds per
 * packet, the kernel's own overhead of such a run included. Cases take turns, so that a slow moment of the machine
 * hits all alike; median of the rounds. One packet over and over means warm caches: a busy node pays more. Needs root.
 * `-o json` prints the same as data.
 */
import { fileURLToPath } from 'node:url';
import { Compiler } from '../compiler/compiler.ts';
import { computeDelta, emptyTables } from '../compiler/delta.ts';
import { nodeTables } from '../compiler/node-tables.ts';
import type { NodeTables } from '../compiler/tables.ts';
import { defaultCapacity } from '../datapath/ebpf/capacity.ts';
import type { Capacity } from '../datapath/ebpf/capacity.ts';
import { flags } from '../datapath/ebpf/layout.ts';
import { loadObject } from '../datapath/ebpf/object.ts';
import type { LoadedObject, ProgramName } from '../datapath/ebpf/object.ts';
import { requireBpf, thisMachine } from '../datapath/ebpf/requirements.ts';
import { Tables } from '../datapath/ebpf/tables.ts';
import { testRun } from '../datapath/ebpf/test-run.ts';
import { translatePolicies } from '../dialects/translate.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import { makeAddress } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';
import type { Cluster, NetworkPolicy, Pod } from '../objects/model.ts';
import { ipv4, ipv6, tcp } from '../datapath/packet.ts';
import { uniformCluster } from './uniform-cluster.ts';

const objectPath = fileURLToPath(new URL('../../dist/bulkhead.bpf.o', import.meta.url));
const node = 'node-0';
const rounds = 9;
const runsPerRound = 200_000;
/** Fits into the event ring, so that no event is lost. */
const runsPerDrain = 10_000;
const goals = { new: 400, reply: 150, ratio: 1.1 } as const;

/** enum ip_conntrack_info */
const tracking = { new: 2, reply: 3 } as const;

const position = { file: 'generated', line: 1, column: 1 };
const everything = { matchLabels: {}, matchExpressions: [] };
const client = { 4: makeAddress(4, 0x0afe0001n), 6: makeAddress(6, (0xfd00n << 112n) | 1n) } as const;
const server = { 4: makeAddress(4, 0x0afe0002n), 6: makeAddress(6, (0xfd00n << 112n) | 2n) } as const;

function pod(name: string, addresses: readonly Address[]): Pod {
  const key = `bench/${name}`;
  const labels = { app: name };
  return {
    key,
    namespace: 'bench',
    name,
    labels,
    node,
    addresses,
    hostNetwork: false,
    phase: 'Running',
    ports: [],
    position,
  };
}

/** Isolates client and server in both directions and lets TCP 80 pass between them. */
const policy: NetworkPolicy = {
  key: 'bench/policy',
  namespace: 'bench',
  name: 'policy',
  apiVersion: 'networking.k8s.io/v1',
  podSelector: everything,
  policyTypes: ['Ingress', 'Egress'],
  ingress: [
    {
      peers: [{ podSelector: everything, position }],
      ports: [{ protocol: 'TCP', port: 80, position }],
      position,
    },
  ],
  egress: [
    {
      peers: [{ podSelector: everything, position }],
      ports: [{ protocol: 'TCP', port: 80, position }],
      position,
    },
  ],
  position,
};

/** 10,000 other pods, all on this one node so that it has to hold every policy, and so many other policies. */
function clusterWith(otherPolicies: number): Cluster {
  const others = uniformCluster({ policies: 9999, pods: 10_000, namespaces: 1000 });
  const local = others.pods.values().map((other): [string, Pod] => [other.key, { ...other, node }]);
  const pods = [pod('client', Object.values(client)), pod('server', Object.values(server))];
  return {
    ...others,
    families: [4, 6],
    namespaces: new Map([...others.namespaces, ['bench', { name: 'bench', labels: {} }]]),
    pods: new Map([...local, ...pods.map((one): [string, Pod] => [one.key, one])]),
    networkPolicies: new Map([[policy.key, policy], ...[...others.networkPolicies].slice(0, otherPolicies)]),
  };
}

function tablesOf(cluster: Cluster): NodeTables {
  return nodeTables(new Compiler().compile(cluster, translatePolicies(cluster)), node, []);
}

class Kernel {
  readonly #object: LoadedObject;
  readonly #ring: RingBuffer;
  #events = 0;

  constructor(rows: NodeTables, options: { tracking: number; events: boolean }) {
    const capacity: Capacity = {
      ...defaultCapacity,
      classes: Math.max(defaultCapacity.classes, rows.classes.size),
      ports: Math.max(defaultCapacity.ports, rows.ports.size),
    };
    this.#object = loadObject({ objectPath, capacity, testTracking: options.tracking });
    const { maps } = this.#object;
    const tables = new Tables({ maps, capacity, flags: options.events ? flags.allowedEvents : 0 });
    tables.apply(computeDelta(emptyTables, rows));
    this.#ring = new RingBuffer(maps.events.fd, capacity.eventBytes);
  }

  /** Nanoseconds per packet; the packet must pass. */
  run(program: ProgramName, packet: Uint8Array, repeat: number): number {
    const { accepted, nanoseconds } = testRun(this.#object.programs[program], packet, repeat);
    if (!accepted) throw new Error('a packet of the benchmark was dropped');
    return nanoseconds;
  }

  /** The same with an event each, which are taken out outside the measured time. */
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

function packetOf(family: 4 | 6): Uint8Array {
  const rest = {
    source: client[family],
    destination: server[family],
    protocol: 6,
    payload: tcp({ port: 80 }),
  };
  return family === 4 ? ipv4(rest) : ipv6(rest);
}

interface Case {
  readonly name: string;
  readonly goal?: number;
  readonly measure: () => number;
}

interface Result {
  readonly name: string;
  readonly goal?: number;
  /** Nanoseconds per packet. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

function summarize({ name, goal }: Case, times: readonly number[]): Result {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const spread = { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(sorted.length - 1) };
  return { name, ...(goal === undefined ? {} : { goal }), ...spread };
}

requireBpf(thisMachine());
const single = tablesOf(clusterWith(0));
const many = tablesOf(clusterWith(9999));
const quiet = { tracking: tracking.new, events: false };
const kernels = {
  one: new Kernel(single, quiet),
  many: new Kernel(many, quiet),
  events: new Kernel(single, { tracking: tracking.new, events: true }),
  reply: new Kernel(single, { tracking: tracking.reply, events: false }),
};
const names = { 4: 'forward4', 6: 'forward6' } as const;
const cases = ([4, 6] as const).flatMap((family): Case[] => {
  const [program, packet] = [names[family], packetOf(family)];
  return [
    {
      name: `IPv${family} new, 1 policy`,
      goal: goals.new,
      measure: () => kernels.one.run(program, packet, runsPerRound),
    },
    {
      name: `IPv${family} new, 10,000 policies`,
      goal: goals.new,
      measure: () => kernels.many.run(program, packet, runsPerRound),
    },
    {
      name: `IPv${family} new, with an event`,
      measure: () => kernels.events.runWithEvents(program, packet, runsPerRound),
    },
    {
      name: `IPv${family} reply`,
      goal: goals.reply,
      measure: () => kernels.reply.run(program, packet, runsPerRound),
    },
  ];
});

const times = cases.map((): number[] => []);
for (const { measure } of cases) measure();
const eventsBefore = kernels.events.events;
for (let round = 0; round < rounds; round++) {
  for (const [index, { measure }] of cases.entries()) times[index]?.push(measure());
}
const eventsExpected = 2 * rounds * runsPerRound;
const eventsSeen = kernels.events.events - eventsBefore;
if (eventsSeen !== eventsExpected) throw new Error(`${eventsSeen} events of ${eventsExpected}`);

const results = cases.map((one, index) => summarize(one, times[index] ?? []));
/** Of the medians, by family: what 9,999 more policies cost. */
const ratios = [0, 4].map(
  (at) => (results[at + 1]?.median ?? Number.NaN) / (results[at]?.median ?? Number.NaN),
);
const sizes = { addresses: many.addresses.size, classes: many.classes.size, ports: many.ports.size };

if (process.argv.slice(2).join(' ') === '-o json') {
  process.stdout.write(`${JSON.stringify({ results, ratios, sizes }, undefined, 2)}\n`);
} else {
  const lines = [
    `Nanoseconds per verdict, median of ${rounds} rounds (least to most); 10,000 policies on one node: ` +
      Object.entries(sizes)
        .map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
        .join(', '),
    ...results.map(
      ({ name, median, least, most, goal }) =>
        `  ${name.padEnd(26)} ${median.toFixed(0).padStart(4)} (${least.toFixed(0)} to ${most.toFixed(0)})` +
        (goal === undefined ? '' : `; goal ≤ ${goal}`),
    ),
    `  10,000 policies cost ${ratios.map((ratio) => ratio.toFixed(2)).join(' and ')} × 1 policy; goal ≤ ${goals.ratio}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
