/**
 * What a verdict costs in the kernel, by BPF_PROG_TEST_RUN of the loaded programs: nanoseconds per packet, the kernel's
 * own overhead of such a run included. Cases take turns, so that a slow moment of the machine hits all alike; median
 * of the rounds. One packet over and over means warm caches; where flows take turns, in random order, what the
 * processor's caches don't hold is paid for. Needs root. `-o json` prints the same as data.
 */
import { fileURLToPath } from 'node:url';
import { computeDelta, emptyTables } from '../compiler/delta.ts';
import type { NodeTables } from '../compiler/tables.ts';
import { defaultCapacity } from '../datapath/ebpf/capacity.ts';
import type { Capacity } from '../datapath/ebpf/capacity.ts';
import { flags } from '../datapath/ebpf/layout.ts';
import { loadObject } from '../datapath/ebpf/object.ts';
import type { LoadedObject, ProgramName } from '../datapath/ebpf/object.ts';
import { requireBpf, thisMachine } from '../datapath/ebpf/requirements.ts';
import { Tables } from '../datapath/ebpf/tables.ts';
import { testRun } from '../datapath/ebpf/test-run.ts';
import { ipv4, ipv6, tcp } from '../datapath/packet.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import {
  bigTables,
  client,
  clientPort,
  flowsOf,
  server,
  serverPort,
  smallTables,
} from './verdict-cluster.ts';
import { answer, writeFlows } from './verdict-flows.ts';
import type { BenchFlow } from './verdict-flows.ts';

const objectPath = fileURLToPath(new URL('../../dist/bulkhead.bpf.o', import.meta.url));
const rounds = 9;
const runsPerRound = 200_000;
/** Fits into the event ring, so that no event is lost. */
const runsPerDrain = 10_000;
const goals = { new: 400, later: 150, ratio: 1.1 } as const;
/** Fewer flows than verdicts are kept, and more. */
const someFlows = 1 << 14;
const manyFlows = 1 << 17;

/** enum ip_conntrack_info */
const tracking = { established: 0, new: 2, reply: 3 } as const;
type Kind = keyof typeof tracking;

function capacityFor(rows: NodeTables, cachedVerdicts: number): Capacity {
  return {
    ...defaultCapacity,
    cachedVerdicts,
    cidrs: Math.max(defaultCapacity.cidrs, rows.cidrs.size),
    subjects: Math.max(defaultCapacity.subjects, rows.addresses.size),
    classes: Math.max(defaultCapacity.classes, rows.classes.size),
    ports: Math.max(defaultCapacity.ports, rows.ports.size),
  };
}

interface KernelOptions {
  readonly kind: Kind;
  readonly events?: boolean;
  /** Without: every packet is judged by the tables. */
  readonly cache?: boolean;
  /** Whether flows take turns. */
  readonly turns?: boolean;
}

class Kernel {
  readonly #object: LoadedObject;
  readonly #ring: RingBuffer;
  readonly #kind: Kind;
  #events = 0;

  constructor(rows: NodeTables, { kind, events = false, cache = true, turns = false }: KernelOptions) {
    const capacity = capacityFor(rows, cache ? defaultCapacity.cachedVerdicts : 0);
    this.#object = loadObject({
      objectPath,
      capacity,
      testTracking: tracking[kind],
      ...(turns ? { testFlows: manyFlows } : {}),
    });
    const { maps } = this.#object;
    const tables = new Tables({ ...this.#object, capacity, flags: events ? flags.allowedEvents : 0 });
    tables.apply(computeDelta(emptyTables, rows));
    this.#ring = new RingBuffer(maps.events.fd, capacity.eventBytes);
    this.#kind = kind;
  }

  allows(program: ProgramName, packet: Uint8Array): boolean {
    return testRun(this.#object.programs[program], packet).accepted;
  }

  /** Nanoseconds per packet; the packet must pass. */
  run(program: ProgramName, packet: Uint8Array, repeat = runsPerRound): number {
    const { accepted, nanoseconds } = testRun(this.#object.programs[program], packet, repeat);
    if (!accepted) throw new Error('a packet of the benchmark was dropped');
    return nanoseconds;
  }

  /** The flows take turns, after each of them was seen once. */
  runFlows(flows: readonly BenchFlow[]): number {
    const list = this.#kind === 'reply' ? flows.map(answer) : flows;
    writeFlows(this.#object.maps.test_flows, manyFlows, list);
    this.run('forward4', packetOf('new', 4), manyFlows);
    return this.run('forward4', packetOf('new', 4), manyFlows);
  }

  /** The same with an event each, which are taken out outside the measured time. */
  runWithEvents(program: ProgramName, packet: Uint8Array): number {
    let sum = 0;
    for (let done = 0; done < runsPerRound; done += runsPerDrain) {
      sum += this.run(program, packet, runsPerDrain) * runsPerDrain;
      this.#events += this.#ring.drain(Infinity, () => undefined);
    }
    return sum / runsPerRound;
  }

  get events(): number {
    return this.#events;
  }
}

const ports = { sourcePort: clientPort, port: serverPort };
const flowBy = {
  4: { source: client[4], destination: server[4], ...ports },
  6: { source: client[6], destination: server[6], ...ports },
} as const;

function packetFor({ source, destination, ...rest }: BenchFlow): Uint8Array {
  const packet = { source, destination, protocol: 6, payload: tcp(rest) };
  return source.family === 4 ? ipv4(packet) : ipv6(packet);
}

function packetOf(kind: Kind, family: 4 | 6): Uint8Array {
  return packetFor(kind === 'reply' ? answer(flowBy[family]) : flowBy[family]);
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
const small = smallTables();
const big = bigTables();
const judge = new Kernel(big, { kind: 'new' });
const allowed = (flow: BenchFlow): boolean => judge.allows('forward4', packetFor(flow));
const lists = {
  'one flow': [flowBy[4]],
  '16,384 flows': flowsOf({ count: someFlows, to: 'pods', tables: big, allowed }),
  '131,072 flows': flowsOf({ count: manyFlows, to: 'pods', tables: big, allowed }),
  '16,384 flows out': flowsOf({ count: someFlows, to: 'prefixes', tables: big, allowed }),
} as const;

const events = new Kernel(small, { kind: 'new', events: true });
const alone = {
  new: new Kernel(small, { kind: 'new' }),
  established: new Kernel(small, { kind: 'established' }),
  reply: new Kernel(small, { kind: 'reply' }),
  missed: new Kernel(small, { kind: 'reply', cache: false }),
};
const rowsOf = ([4, 6] as const).flatMap((family): Case[] => {
  const program = `forward${family}` as const;
  const row = (name: string, kernel: Kernel, kind: Kind): Case => ({
    name: `IPv${family} ${name}`,
    goal: kind === 'new' ? goals.new : goals.later,
    measure: () => kernel.run(program, packetOf(kind, family)),
  });
  const missed = packetOf('reply', family);
  return [
    row('new', alone.new, 'new'),
    row('later', alone.established, 'established'),
    row('reply', alone.reply, 'reply'),
    { name: `IPv${family} reply, nothing kept`, measure: () => alone.missed.run(program, missed) },
    {
      name: `IPv${family} new, with an event`,
      measure: () => events.runWithEvents(program, packetOf('new', family)),
    },
    {
      name: `IPv${family} nothing to judge`,
      measure: () => alone.reply.run(`local_in${family}`, packetOf('reply', family)),
    },
  ];
});

const kinds = [
  ['new', 'new'],
  ['later', 'established'],
  ['reply', 'reply'],
] as const;
const turns = kinds.flatMap(([word, kind]): Case[] => {
  const of = (rows: NodeTables): Kernel => new Kernel(rows, { kind, turns: true });
  const goal = kind === 'new' ? goals.new : goals.later;
  const kernels = { empty: of(emptyTables), 'one policy': of(small), big: of(big) };
  const row = (cluster: keyof typeof kernels, list: keyof typeof lists): Case => ({
    name: `${word}, ${cluster}, ${list}`,
    goal,
    measure: () => kernels[cluster].runFlows(lists[list]),
  });
  return [
    row('one policy', 'one flow'),
    row('big', 'one flow'),
    ...(['16,384 flows', '131,072 flows', '16,384 flows out'] as const).flatMap((list) => [
      row('empty', list),
      row('big', list),
    ]),
  ];
});
const cases = [...rowsOf, ...turns];

const times = cases.map((): number[] => []);
for (const { measure } of cases) measure();
const eventsBefore = events.events;
for (let round = 0; round < rounds; round++) {
  for (const [index, { measure }] of cases.entries()) times[index]?.push(measure());
}
const eventsExpected = 2 * rounds * runsPerRound;
const eventsSeen = events.events - eventsBefore;
if (eventsSeen !== eventsExpected) throw new Error(`${eventsSeen} events of ${eventsExpected}`);

const results = cases.map((one, index) => summarize(one, times[index] ?? []));
const median = (name: string): number => results.find((one) => one.name === name)?.median ?? Number.NaN;
/** Of the medians: what the big cluster costs against the other one, on the same packets. */
const ratios = kinds.flatMap(([word]) =>
  (
    [
      ['one policy', 'one flow'],
      ['empty', '16,384 flows'],
      ['empty', '131,072 flows'],
      ['empty', '16,384 flows out'],
    ] as const
  ).map(([other, list]) => ({
    name: `${word}, ${list}: big ÷ ${other}`,
    ratio: median(`${word}, big, ${list}`) / median(`${word}, ${other}, ${list}`),
  })),
);
const sizes = {
  addresses: big.addresses.size,
  prefixes: big.cidrs.size,
  classes: big.classes.size,
  ports: big.ports.size,
};

if (process.argv.slice(2).join(' ') === '-o json') {
  process.stdout.write(`${JSON.stringify({ results, ratios, sizes }, undefined, 2)}\n`);
} else {
  const lines = [
    `Nanoseconds per verdict, median of ${rounds} rounds (least to most). The big cluster on one node: ` +
      Object.entries(sizes)
        .map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
        .join(', '),
    ...results.map(
      ({ name, median: middle, least, most, goal }) =>
        `  ${name.padEnd(32)} ${middle.toFixed(0).padStart(5)} (${least.toFixed(0)} to ${most.toFixed(0)})` +
        (goal === undefined ? '' : `; goal ≤ ${goal}`),
    ),
    ...ratios.map(({ name, ratio }) => `  ${name.padEnd(42)} ${ratio.toFixed(2)}; goal ≤ ${goals.ratio}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
