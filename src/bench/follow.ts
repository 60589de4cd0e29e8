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

/** `goal`: for the 99th percentile, milliseconds. */
export interface MeasuredChange extends Percentiles {
  readonly name: string;
  readonly goal: number;
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
/** Each comes with its opposite; V8 makes code fast once it has run often, as in an agent that runs for weeks. */
const changePairs = { warmUp: 120, measured: 500 };
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

  measure<T>(items: readonly T[], pair: (item: T, index: number) => readonly [ClusterChange, ClusterChange]) {
    const [times, sizes]: [number[], number[]] = [[], []];
    let warm = process.cpuUsage();
    const end = performance.now() + patience;
    for (let index = 0; index < changePairs.warmUp + changePairs.measured; index += 1) {
      const item = items[(index * 7919) % items.length];
      if (item === undefined) continue;
      if (performance.now() > end && times.length > 0) break;
      if (index === changePairs.warmUp) warm = process.cpuUsage();
      for (const change of pair(item, index)) {
        const { ms, rows } = this.follow(change);
        if (index < changePairs.warmUp) continue;
        times.push(ms);
        sizes.push(rows);
      }
    }
    return percentiles(times, sizes, process.cpuUsage(warm));
  }
}

function comeAndGo(pod: Pod): readonly [ClusterChange, ClusterChange] {
  return [{ pods: [[pod.key, undefined]] }, { pods: [[pod.key, pod]] }];
}

function relabel(pod: Pod, index: number): readonly [ClusterChange, ClusterChange] {
  const other = { ...pod, labels: { ...pod.labels, app: `app-${index % 10}` } };
  return [{ pods: [[pod.key, other]] }, { pods: [[pod.key, pod]] }];
}

function withdraw(policy: Policy): readonly [ClusterChange, ClusterChange] {
  return [{ policies: [[policy.id, undefined]] }, { policies: [[policy.id, policy]] }];
}

/** The same peers, another port: nobody is told apart who was not before. */
function changePorts(policy: Policy, index: number): readonly [ClusterChange, ClusterChange] {
  const { ingress } = policy;
  if (!ingress) return withdraw(policy);
  const rules = ingress.rules.map((rule) => {
    const port = 1000 + index;
    const { position } = rule.origin;
    return { ...rule, ports: [{ kind: 'range', protocol: 'TCP', from: port, to: port, position }] as const };
  });
  const other: Policy = { ...policy, ingress: { ...ingress, rules } };
  return [{ policies: [[policy.id, other]] }, { policies: [[policy.id, policy]] }];
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
  // A cluster of one node has no pods on others.
  const changes = [
    { goal: 1, name: 'a pod of another node goes or comes', ...follower.measure(remote, comeAndGo) },
    { goal: 1, name: 'a pod of another node gets another label', ...follower.measure(remote, relabel) },
    { goal: 1, name: 'a pod of the node goes, or its like comes', ...agent.measure(local, comeAndGo) },
    {
      goal: 1,
      name: 'a pod of a kind new to the node comes, or goes',
      ...follower.measure(local, comeAndGo),
    },
    {
      goal: 10,
      name: 'a policy of pods of the node names other ports',
      ...follower.measure(selecting, changePorts),
    },
    {
      goal: 100,
      name: 'a policy of pods of the node comes or goes',
      ...follower.measure(selecting, withdraw),
    },
    { goal: 100, name: 'any policy comes or goes', ...follower.measure(policies, withdraw) },
  ].filter(({ p50 }) => !Number.isNaN(p50));
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
