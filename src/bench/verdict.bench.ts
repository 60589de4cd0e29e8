/**
 * What a verdict costs in the kernel, by BPF_PROG_TEST_RUN of the loaded programs: nanoseconds per packet, the kernel's
 * own overhead of such a run included. Cases take turns, so that a slow moment of the machine hits all alike; median
 * of the rounds. One packet over and over means warm caches; where flows take turns, in random order, what the
 * processor's caches don't hold is paid for. Needs root. `-o json` prints the same as data.
 */
import { emptyTables } from '../compiler/delta.ts';
import type { NodeTables } from '../compiler/tables.ts';
import { requireBpf, thisMachine } from '../datapath/ebpf/requirements.ts';
import { everythingOnOneNode, flowOf, flowsOf, nodeOfClusters, pairTables } from './verdict-cluster.ts';
import { answer, flowList } from './verdict-flows.ts';
import type { BenchFlow } from './verdict-flows.ts';
import { Kernel, KernelRows, packetFor } from './verdict-kernel.ts';
import type { Kind, Stage } from './verdict-kernel.ts';

const rounds = 9;
const runsPerRound = 200_000;
const goals = { new: 400, later: 150, ratio: 1.1 } as const;
/** Fewer flows than verdicts are kept, and more. */
const someFlows = 1 << 14;
const manyFlows = 1 << 17;
/** By how many flows what a verdict costs is asked besides. */
const flowCounts = [1 << 10, 1 << 12, manyFlows];
const kinds = ['new', 'later', 'reply'] as const;
const stages = ['read', 'recall', 'addresses', 'judge'] as const;

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

function goalOf(kind: Kind): number {
  return kind === 'new' ? goals.new : goals.later;
}

/** Of flows that may pass by these tables. */
function listsOf(
  cluster: Cluster,
  lists: Readonly<Record<string, Omit<Parameters<typeof flowsOf>[0], 'tables' | 'allowed'>>>,
): Record<string, BenchFlow[]> {
  const judge = new Kernel(cluster.kernel, { kind: 'new', cache: false });
  const allowed = (flow: BenchFlow): boolean => judge.allows(flow);
  const made = Object.entries(lists).map(([name, options]) => [
    name,
    flowsOf({ ...options, tables: cluster.tables, allowed }),
  ]);
  return Object.fromEntries(made) as Record<string, BenchFlow[]>;
}

/** So many flows of each list. */
function firstOf(
  lists: Readonly<Record<string, readonly BenchFlow[]>>,
  counts: readonly number[],
  nameOf: (list: string, count: number) => string,
): Record<string, readonly BenchFlow[]> {
  const made = Object.entries(lists).flatMap(([name, flows]) =>
    counts.map((count) => [nameOf(name, count), flows.slice(0, count)] as const),
  );
  return Object.fromEntries(made);
}

/** Each list in each cluster. */
function turnsOf(
  clusters: readonly Cluster[],
  lists: Readonly<Record<string, readonly BenchFlow[]>>,
  { kind, stage }: { kind: Kind; stage?: Stage },
): Case[] {
  const most = Math.max(...Object.values(lists).map((flows) => flows.length));
  const kernels = clusters.map(({ name, kernel }) => ({
    cluster: name,
    kernel: new Kernel(kernel, { kind, flows: most, ...(stage === undefined ? {} : { stage }) }),
  }));
  return Object.entries(lists).flatMap(([name, flows]) => {
    const sent = kind === 'reply' ? flows.map(answer) : flows;
    const list = flowList(sent, packetFor(flowOf(4)));
    return kernels.map(({ cluster, kernel }) => ({
      name: `${kind}, ${name}${stage === undefined ? '' : `, until ${stage}`}: ${cluster}`,
      ...(stage === undefined ? { goal: goalOf(kind) } : {}),
      measure: () => kernel.runFlows(list, Math.max(runsPerRound, list.count)),
    }));
  });
}

interface Cluster {
  readonly name: string;
  readonly tables: NodeTables;
  readonly kernel: KernelRows;
}

function clusterOf(name: string, tables: NodeTables): Cluster {
  return { name, tables, kernel: new KernelRows(tables) };
}

requireBpf(thisMachine());
const pairOnly = pairTables();
const pair = new KernelRows(pairOnly);
const events = new Kernel(new KernelRows(pairOnly, { events: true }), { kind: 'new' });
const alone = {
  new: new Kernel(pair, { kind: 'new' }),
  later: new Kernel(pair, { kind: 'later' }),
  reply: new Kernel(pair, { kind: 'reply' }),
  missed: new Kernel(pair, { kind: 'reply', cache: false }),
};
const onePacket = ([4, 6] as const).flatMap((family): Case[] => {
  const program = `forward${family}` as const;
  const [there, back] = [packetFor(flowOf(family)), packetFor(answer(flowOf(family)))];
  const row = (kind: Kind): Case => ({
    name: `IPv${family} ${kind}`,
    goal: goalOf(kind),
    measure: () => alone[kind].run(program, kind === 'reply' ? back : there, runsPerRound),
  });
  return [
    ...kinds.map(row),
    {
      name: `IPv${family} reply, nothing kept`,
      measure: () => alone.missed.run(program, back, runsPerRound),
    },
    {
      name: `IPv${family} new, with an event`,
      measure: () => events.runWithEvents(program, there, runsPerRound),
    },
    {
      name: `IPv${family} nothing to judge`,
      measure: () => alone.reply.run(`local_in${family}`, back, runsPerRound),
    },
  ];
});

const one = { 'one flow': [flowOf(4)] };
const nodeTables = nodeOfClusters();
const none = clusterOf('no tables', emptyTables);
const bigNode = clusterOf('big', nodeTables.big);
const node = [
  none,
  clusterOf('one policy', nodeTables.small),
  clusterOf('one policy, any port', nodeTables.least),
  bigNode,
];
const longLists = listsOf(bigNode, {
  'a node and pods': { count: manyFlows, drawn: someFlows, to: 'pods', isolated: true },
  'a node and prefixes': { count: manyFlows, drawn: someFlows, to: 'prefixes', isolated: true },
});
const nodeLists = firstOf(longLists, [someFlows], (name) => name);
const listsByCount = firstOf(
  longLists,
  flowCounts,
  (name, count) => `${name}, ${count.toLocaleString('en')} flows`,
);
const everything = clusterOf('big', everythingOnOneNode());
const allLists = listsOf(everything, {
  'all on one node': { count: someFlows, to: 'local pods', isolated: false },
  'all on one node, 131,072 flows': { count: manyFlows, to: 'local pods', isolated: false },
  'all on one node, prefixes': { count: someFlows, to: 'prefixes', isolated: false },
});
const cases = [
  ...onePacket,
  ...kinds.flatMap((kind) => turnsOf(node, nodeLists, { kind })),
  ...turnsOf(node, listsByCount, { kind: 'new' }),
  ...stages.flatMap((stage) => turnsOf(node, nodeLists, { kind: 'new', stage })),
  ...turnsOf([{ ...none, name: 'one policy', kernel: pair }, everything], one, { kind: 'new' }),
  ...(['new', 'later'] as const).flatMap((kind) => turnsOf([none, everything], allLists, { kind })),
];

const times = cases.map((): number[] => []);
for (const { measure } of cases) measure();
const eventsBefore = events.events;
for (let round = 0; round < rounds; round++) {
  for (const [index, { measure }] of cases.entries()) times[index]?.push(measure());
}
const eventsExpected = 2 * rounds * runsPerRound;
const eventsSeen = events.events - eventsBefore;
if (eventsSeen !== eventsExpected) throw new Error(`${eventsSeen} events of ${eventsExpected}`);

const results = cases.map((each, index) => summarize(each, times[index] ?? []));
const median = (name: string): number | undefined => results.find((each) => each.name === name)?.median;
/** Of the medians: what the big cluster costs against the others, on the same packets. */
const ratios = results.flatMap(({ name, median: big }) => {
  const flows = name.endsWith(': big') ? name.slice(0, -': big'.length) : undefined;
  if (flows === undefined || flows.includes(', until ')) return [];
  return ['one policy', 'one policy, any port', 'no tables'].flatMap((other) => {
    const than = median(`${flows}: ${other}`);
    return than === undefined ? [] : [{ name: `${flows}: big ÷ ${other}`, ratio: big / than }];
  });
});
const sizes = Object.entries({ 'the node': nodeTables.big, 'all on one node': everything.tables }).map(
  ([name, tables]) => ({
    name,
    addresses: tables.addresses.size,
    prefixes: tables.cidrs.size,
    classes: tables.classes.size,
    ports: tables.ports.size,
  }),
);

if (process.argv.slice(2).join(' ') === '-o json') {
  process.stdout.write(`${JSON.stringify({ results, ratios, sizes }, undefined, 2)}\n`);
} else {
  const lines = [
    `Nanoseconds per verdict, median of ${rounds} rounds (least to most).`,
    ...sizes.map(
      ({ name, ...counts }) =>
        `Rows of ${name}: ` +
        Object.entries(counts)
          .map(([what, count]) => `${count.toLocaleString('en')} ${what}`)
          .join(', '),
    ),
    ...results.map(
      ({ name, median: middle, least, most, goal }) =>
        `  ${name.padEnd(50)} ${middle.toFixed(0).padStart(5)} (${least.toFixed(0)} to ${most.toFixed(0)})` +
        (goal === undefined ? '' : `; goal ≤ ${goal}`),
    ),
    ...ratios.map(({ name, ratio }) => `  ${name.padEnd(60)} ${ratio.toFixed(2)}; goal ≤ ${goals.ratio}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
