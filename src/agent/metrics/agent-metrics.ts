/** Every metric of the agent, named as the field names them: `bulkhead_` and the unit last. */
import type { NodeTables } from '../../compiler/tables.ts';
import type { Counters } from '../../datapath/datapath.ts';
import { reasons } from '../../datapath/datapath.ts';
import type { TableCapacity } from '../../datapath/table-capacity.ts';
import type { IpFamily } from '../../objects/ip.ts';
import type { Legend } from '../../compiler/program.ts';
import { Registry } from './registry.ts';
import type { MetricDescription } from './registry.ts';

/** Seconds. From the arrival of an event's bytes until every later packet sees it; the goal is 5 ms. */
const realisationBounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** Rows by table, and bytes. */
export interface TableRoom {
  readonly capacity: Readonly<Partial<Record<keyof TableCapacity, number>>>;
  readonly taken: number;
  readonly limit: number;
}

export class AgentMetrics {
  readonly #registry = new Registry();
  readonly #buildInfo = this.#registry.gauge(
    'bulkhead_build_info',
    'Version and engine of this agent; always 1.',
    'version',
    'engine',
  );
  readonly realisation = this.#registry.histogram(
    'bulkhead_policy_realisation_latency_seconds',
    'From the arrival of a change from the API server until the kernel enforces it.',
    realisationBounds,
  );
  readonly compile = this.#registry.histogram(
    'bulkhead_compile_duration_seconds',
    'From a change of the cluster to the change of the tables.',
    realisationBounds,
  );
  readonly gateHold = this.#registry.histogram(
    'bulkhead_gate_hold_duration_seconds',
    'How long the gate held a pod that it let in.',
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
  );
  readonly objects = this.#registry.gauge(
    'bulkhead_objects',
    'Objects that the agent knows, by kind.',
    'kind',
  );
  readonly localPods = this.#registry.gauge(
    'bulkhead_local_pods',
    'Pods of this node that policies can select, with or without an address yet.',
  );
  readonly #entries = this.#registry.gauge(
    'bulkhead_table_entries',
    'Rows in the kernel, by table; of addresses and cidrs those of the address family that has more.',
    'table',
  );
  readonly #capacity = this.#registry.gauge(
    'bulkhead_table_capacity',
    'Rows that there is room for in the kernel, by table; of addresses and cidrs for each address family.',
    'table',
  );
  readonly #tableMemory = this.#registry.gauge(
    'bulkhead_table_memory_bytes',
    'Memory of the kernel that the tables take when they are full.',
  );
  readonly #tableMemoryLimit = this.#registry.gauge(
    'bulkhead_table_memory_limit_bytes',
    'Memory of the kernel that the tables may take at most.',
  );
  readonly #identities = this.#registry.gauge(
    'bulkhead_identities',
    'Identities that the addresses of the tables have.',
  );
  readonly #sets = this.#registry.gauge('bulkhead_rule_sets', 'Sets of rules that local pods have.');
  readonly #classCount = this.#registry.gauge(
    'bulkhead_classes',
    'Port tables that rows of the sets lead to.',
  );
  readonly refused = this.#registry.gauge(
    'bulkhead_refused_policies',
    'Policies that are not enforced as they stand, by code.',
    'code',
  );
  readonly #packets = this.#registry.counter(
    'bulkhead_packets_total',
    'Packets judged, by reason and verdict.',
    'reason',
    'verdict',
  );
  readonly #bytes = this.#registry.counter(
    'bulkhead_bytes_total',
    'Bytes judged, by reason and verdict.',
    'reason',
    'verdict',
  );
  readonly #rulePackets = this.#registry.counter(
    'bulkhead_rule_packets_total',
    'Packets that a rule decided, by policy, direction and index of the rule.',
    'namespace',
    'policy',
    'direction',
    'rule',
  );
  readonly #lostEvents = this.#registry.counter(
    'bulkhead_lost_events_total',
    'Flow events that found no room between the kernel and the agent.',
  );
  readonly updates = this.#registry.counter(
    'bulkhead_updates_total',
    'Changes taken, by outcome.',
    'outcome',
  );
  readonly watchRestarts = this.#registry.counter(
    'bulkhead_watch_restarts_total',
    'Watches begun anew, by resource.',
    'resource',
  );
  readonly relists = this.#registry.counter(
    'bulkhead_relists_total',
    'Lists read anew, by resource.',
    'resource',
  );
  readonly watchFailures = this.#registry.counter(
    'bulkhead_watch_failures_total',
    'Failed lists and watches, by resource.',
    'resource',
  );
  readonly drift = this.#registry.counter(
    'bulkhead_drift_total',
    'Differences found between the kernel and what it should hold, by kind.',
    'kind',
  );
  readonly resyncs = this.#registry.counter(
    'bulkhead_resyncs_total',
    'Comparisons of the kernel with what it should hold.',
  );
  readonly degraded = this.#registry.gauge(
    'bulkhead_degraded',
    '1 while a condition is not as it should be, by condition.',
    'condition',
  );
  readonly ready = this.#registry.gauge(
    'bulkhead_ready',
    '1 once the kernel enforces what the API server said.',
  );

  constructor({ version, engine }: { readonly version: string; readonly engine: string }) {
    this.#buildInfo.set(1, { version, engine });
    this.#registry.probe('gauge', 'process_resident_memory_bytes', 'Resident memory.', () =>
      process.memoryUsage.rss(),
    );
    this.#registry.probe('counter', 'process_cpu_seconds_total', 'User and system time.', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
    const started = Date.now() / 1000 - process.uptime();
    this.#registry.probe('gauge', 'process_start_time_seconds', 'Start of the process.', () => started);
  }

  setTables({ addresses, cidrs, classes, ports }: NodeTables): void {
    const rows = {
      addresses: ofLargerFamily(addresses.values().map(({ address }) => address)),
      cidrs: ofLargerFamily(cidrs.values().map(({ cidr }) => cidr)),
      classes: classes.size,
      ports: ports.size,
    };
    for (const [table, count] of Object.entries(rows)) this.#entries.set(count, { table });
    this.#identities.set(new Set(addresses.values().map(({ value }) => value.identity)).size);
    this.#sets.set(new Set(classes.values().map(({ set }) => set)).size);
    this.#classCount.set(new Set(classes.values().map((row) => row.class)).size);
  }

  setRoom({ capacity, taken, limit }: TableRoom): void {
    for (const [table, rows] of Object.entries(capacity)) this.#capacity.set(rows, { table });
    this.#tableMemory.set(taken);
    this.#tableMemoryLimit.set(limit);
  }

  setCounters(counters: Counters, legend: Legend): void {
    for (const reason of reasons) {
      for (const verdict of ['allowed', 'denied'] as const) {
        const { packets, bytes } = counters.reasons[reason][verdict];
        if (packets === 0n) continue;
        this.#packets.set(Number(packets), { reason, verdict });
        this.#bytes.set(Number(bytes), { reason, verdict });
      }
    }
    this.#rulePackets.clear();
    for (const [rule, { packets }] of counters.rules) {
      const origin = legend.rules.get(rule);
      if (!origin || packets === 0n) continue;
      const { namespace, name, direction, ruleIndex = 0 } = origin;
      this.#rulePackets.set(Number(packets), { namespace, policy: name, direction, rule: String(ruleIndex) });
    }
    this.#lostEvents.set(Number(counters.lostEvents));
  }

  get descriptions(): readonly MetricDescription[] {
    return this.#registry.descriptions;
  }

  text(): string {
    return this.#registry.text();
  }
}

/** Tables have room for so many of each. */
function ofLargerFamily(rows: Iterable<{ readonly family: IpFamily }>): number {
  const counts = { 4: 0, 6: 0 };
  for (const { family } of rows) counts[family] += 1;
  return Math.max(counts[4], counts[6]);
}
