/**
 * One profile, measured in a process of its own so that its memory is known: `follow.ts PROFILE` prints JSON. A fresh
 * compile of the whole cluster, and a compiler that follows it for one node (as an agent does) through changes.
 */
import { spareSets } from '../agent/node-enforcer.ts';
import { settleV8Heap, tidyV8Heap } from '../agent/v8-heap.ts';
import { tableStats } from '../analyze/table-stats.ts';
import type { TableStats } from '../analyze/table-stats.ts';
import { Compiler } from '../compiler/compiler.ts';
import { deltaSize } from '../compiler/delta.ts';
import { changeBetween } from '../compiler/live/change.ts';
import type { ClusterChange } from '../compiler/live/change.ts';
import { LiveCompiler } from '../compiler/live/live-compiler.ts';
import type { LiveOptions } from '../compiler/live/live-compiler.ts';
import type { Program } from '../compiler/program.ts';
import { translatePolicies } from '../dialects/translate.ts';
import type { Cluster, Pod } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';
import { matchesSelector } from '../policy/selector.ts';
import { profiles } from './profile-clusters.ts';
import type { ProfileName } from './profile-clusters.ts';

/** Milliseconds. */
export interface Percentiles {
  /** Processor time of a change on average, all threads: hardly depends on what else the machine does. */
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  /** Rows of the delta. */
  readonly rows: { readonly p50: number; readonly p99: number; readonly most: number };
}

/** `goal`: for the 99th percentile, milliseconds; none: nothing waits for it. */
interface Measured {
  readonly name: string;
  readonly goal?: number;
}

export type MeasuredChange = Measured & Percentiles;

interface Step {
  readonly of: Measured;
  readonly change: ClusterChange;
  /** The node has forgotten the sets that it has no pods of. */
  readonly isUnprepared?: true;
}

export interface FollowReport {
  readonly profile: ProfileName;
  readonly pods: number;
  readonly policies: number;
  readonly load: { readonly ms: number; readonly addresses: number; readonly rows: number };
  /** Of the whole process, after garbage collection: with the cluster, and with everything. */
  readonly rssMiB: { readonly cluster: number; readonly followed: number };
  readonly changes: readonly MeasuredChange[];
  /** Milliseconds. */
  readonly fullCompile: number;
  readonly program: Readonly<Record<string, number>>;
  /** What the busiest node holds of it, and what other designs would need. */
  readonly entries: Pick<TableStats, 'node' | 'perEndpoint' | 'perPolicy'>;
}

const node = 'node-0';
/** There and back each; V8 makes code fast once it has run often, as in an agent that runs for weeks. */
const changeRounds = { warmUp: 120, measured: 500 };
/** Where changes are big, this many milliseconds have to do. */
const patience = 8000;

function rss(): number {
  globalThis.gc?.();
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

function percentiles(
  times: readonly number[],
  sizes: readonly number[],
  { user, system }: NodeJS.CpuUsage,
): Percentiles {
  const pick = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
    return { p50: at(0.5), p99: at(0.99), most: at(1) };
  };
  return { cpu: (user + system) / 1000 / times.length, ...pick(times), rows: pick(sizes) };
}

class Follower {
  readonly #compiler: LiveCompiler;

  constructor(options?: LiveOptions) {
    this.#compiler = new LiveCompiler(options);
    this.#compiler.addNode(node);
  }

  /** Milliseconds to the finished delta, and its rows. */
  follow(change: ClusterChange): { readonly ms: number; readonly rows: number } {
    const start = performance.now();
    this.#compiler.update(change);
    const delta = this.#compiler.deltas().get(node);
    const ms = performance.now() - start;
    this.#compiler.accept();
    tidyV8Heap();
    return { ms, rows: delta ? deltaSize(delta) : 0 };
  }

  get addresses(): number {
    return this.#compiler.tables(node)?.addresses.size ?? 0;
  }

  measure<T>(items: readonly T[], steps: (item: T, index: number) => readonly Step[]): MeasuredChange[] {
    const samples = new Map<Measured, { times: number[]; sizes: number[]; cpu: NodeJS.CpuUsage }>();
    const end = performance.now() + patience;
    for (let index = 0; index < changeRounds.warmUp + changeRounds.measured; index += 1) {
      const item = items[(index * 7919) % items.length];
      if (item === undefined) continue;
      if (performance.now() > end && samples.size > 0) break;
      for (const { of, change, isUnprepared } of steps(item, index)) {
        if (isUnprepared) this.#forgetSpares();
        const before = process.cpuUsage();
        const { ms, rows } = this.follow(change);
        const { user, system } = process.cpuUsage(before);
        if (index < changeRounds.warmUp) continue;
        const sample = samples.get(of) ?? { times: [], sizes: [], cpu: { user: 0, system: 0 } };
        sample.times.push(ms);
        sample.sizes.push(rows);
        sample.cpu = { user: sample.cpu.user + user, system: sample.cpu.system + system };
        samples.set(of, sample);
      }
    }
    return [...samples].map(([of, { times, sizes, cpu }]) => ({ ...of, ...percentiles(times, sizes, cpu) }));
  }

  #forgetSpares(): void {
    this.#compiler.dropSpares();
    this.#compiler.deltas();
    this.#compiler.accept();
    tidyV8Heap();
  }
}

const isRemote: Measured = { name: 'a pod of another node goes or comes', goal: 1 };
const isRelabelled: Measured = { name: 'a pod of another node gets another label', goal: 1 };
const isReplaced: Measured = { name: 'a pod of the node goes, or its like comes', goal: 1 };
const isGiven: Measured = { name: 'the node is given a pod of a kind it has not had' };
const isAddressed: Measured = { name: 'that pod gets its address', goal: 1 };
const isLastToGo: Measured = { name: 'that pod goes', goal: 1 };
const isOfAnotherKind: Measured = { name: 'a pod of the node becomes one of such a kind', goal: 1 };
const hasOtherPorts: Measured = { name: 'a policy of pods of the node names other ports', goal: 10 };
const isLocalPolicy: Measured = { name: 'a policy of pods of the node comes or goes', goal: 100 };
const isAnyPolicy: Measured = { name: 'any policy comes or goes', goal: 100 };

function comeAndGo(of: Measured): (pod: Pod) => readonly Step[] {
  return (pod) => [
    { of, change: { pods: [[pod.key, undefined]] } },
    { of, change: { pods: [[pod.key, pod]] } },
  ];
}

function relabel(pod: Pod, index: number): readonly Step[] {
  const other = { ...pod, labels: { ...pod.labels, app: `app-${index % 10}` } };
  return [other, pod].map((now) => ({ of: isRelabelled, change: { pods: [[pod.key, now]] } }));
}

/** As the API server tells it: the scheduler gives the pod to the node, which gives it an address. */
function newKind(pod: Pod): readonly Step[] {
  const pending: Pod = { ...pod, phase: 'Pending', addresses: [] };
  return [
    { of: isLastToGo, change: { pods: [[pod.key, undefined]] } },
    { of: isGiven, change: { pods: [[pod.key, pending]] }, isUnprepared: true },
    { of: isAddressed, change: { pods: [[pod.key, pod]] } },
  ];
}

/** Nobody can tell beforehand. */
function relabelledHere(pod: Pod, index: number): readonly Step[] {
  const other = { ...pod, labels: { ...pod.labels, app: `app-${index % 10}` } };
  return [other, pod].map((now) => ({
    of: isOfAnotherKind,
    change: { pods: [[pod.key, now]] },
    isUnprepared: true,
  }));
}

function withdraw(of: Measured): (policy: Policy) => readonly Step[] {
  return (policy) => [
    { of, change: { policies: [[policy.id, undefined]] } },
    { of, change: { policies: [[policy.id, policy]] } },
  ];
}

/** The same peers, another port: nobody is told apart who was not before. */
function changePorts(policy: Policy, index: number): readonly Step[] {
  const { ingress } = policy;
  if (!ingress) return withdraw(hasOtherPorts)(policy);
  const rules = ingress.rules.map((rule) => {
    const port = 1000 + index;
    const { position } = rule.origin;
    return { ...rule, ports: [{ kind: 'range', protocol: 'TCP', from: port, to: port, position }] as const };
  });
  const other: Policy = { ...policy, ingress: { ...ingress, rules } };
  return [other, policy].map((now) => ({ of: hasOtherPorts, change: { policies: [[policy.id, now]] } }));
}

function sizesOf({ addresses, cidrs, identities, sets, classes }: Program): Record<string, number> {
  return {
    addresses: addresses.size,
    prefixes: cidrs.length,
    identities: identities.size,
    sets: sets.size,
    'set × identity rows': sets.values().reduce((sum, set) => sum + set.classes.size, 0),
    classes: classes.size,
    'port prefixes': classes.values().reduce((sum, { ports }) => sum + ports.length, 0),
  };
}

function follow(profile: ProfileName): FollowReport {
  const cluster: Cluster = profiles[profile]();
  const policies = translatePolicies(cluster);
  const clusterRss = rss();
  const follower = new Follower();
  const everything = changeBetween(undefined, { cluster, policies });
  const load = follower.follow(everything);
  const followed = rss();
  const agent = new Follower({ spareSets });
  agent.follow(everything);
  settleV8Heap();
  const pods = [...cluster.pods.values()];
  const local = pods.filter((pod) => pod.node === node);
  const remote = pods.filter((pod) => pod.node !== node);
  const selecting = policies.filter(({ subject: { namespaces, pods: selector } }) =>
    local.some(
      ({ namespace, labels }) =>
        namespaces.kind === 'name' && namespaces.name === namespace && matchesSelector(selector, labels),
    ),
  );
  const changes = [
    ...follower.measure(remote, comeAndGo(isRemote)),
    ...follower.measure(remote, relabel),
    ...agent.measure(local, comeAndGo(isReplaced)),
    ...agent.measure(local, newKind),
    ...agent.measure(local, relabelledHere),
    ...follower.measure(selecting, changePorts),
    ...follower.measure(selecting, withdraw(isLocalPolicy)),
    ...follower.measure(policies, withdraw(isAnyPolicy)),
  ];
  const start = performance.now();
  const program = new Compiler().compile(cluster, policies);
  const fullCompile = performance.now() - start;
  const { node: busiest, perEndpoint, perPolicy } = tableStats(cluster, policies, program);
  return {
    profile,
    pods: cluster.pods.size,
    policies: policies.length,
    load: { ms: load.ms, addresses: follower.addresses, rows: load.rows },
    rssMiB: { cluster: clusterRss, followed },
    changes,
    fullCompile,
    program: sizesOf(program),
    entries: { ...(busiest ? { node: busiest } : {}), perEndpoint, perPolicy },
  };
}

const wanted = Object.keys(profiles).find((name): name is ProfileName => name === process.argv[2]);
if (!wanted) throw new Error(`no such profile: ${process.argv[2]}`);
process.stdout.write(JSON.stringify(follow(wanted)));
