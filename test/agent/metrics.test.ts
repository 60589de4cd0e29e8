/** The page that Prometheus reads: text format 0.0.4. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AgentMetrics } from '../../src/agent/metrics/agent-metrics.ts';
import { Registry } from '../../src/agent/metrics/registry.ts';
import { emptyTables } from '../../src/compiler/delta.ts';
import { reasons } from '../../src/datapath/datapath.ts';
import type { Counters } from '../../src/datapath/datapath.ts';
import { address } from '../generate/universe.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** As the format's specification reads a page, byte by byte; throws on what it does not know. */
function readPage(page: string): Sample[] {
  expect(page.endsWith('\n')).toBe(true);
  return page
    .slice(0, -1)
    .split('\n')
    .filter(
      (line) => !/^# (HELP [a-zA-Z_:][\w:]* .*|TYPE [a-zA-Z_:][\w:]* (counter|gauge|histogram))$/.test(line),
    )
    .map(readSample);
}

function readSample(line: string): Sample {
  const [, name, written = '', value] =
    /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`);
  const pairs = [...written.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = '', text = '']) => [
      label,
      text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    ],
  );
  return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
}

describe('a page', () => {
  test('has each family once, with help and type before its samples', () => {
    const registry = new Registry();
    const drift = registry.counter('x_drift_total', 'By kind:\na \\ b.', 'kind');
    registry.gauge('x_ready', 'Whether.').set(1);
    drift.inc({ kind: 'pin' });
    drift.inc({ kind: 'pin' });
    drift.inc({ kind: 'rows' });
    registry.probe('gauge', 'x_now', 'Asked.', () => 0.5);
    expect(registry.text()).toBe(
      [
        '# HELP x_drift_total By kind:\\na \\\\ b.',
        '# TYPE x_drift_total counter',
        'x_drift_total{kind="pin"} 2',
        'x_drift_total{kind="rows"} 1',
        '# HELP x_ready Whether.',
        '# TYPE x_ready gauge',
        'x_ready 1',
        '# HELP x_now Asked.',
        '# TYPE x_now gauge',
        'x_now 0.5',
        '',
      ].join('\n'),
    );
  });

  test('says what labels hold, whatever that is', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\\', '"', '\n', '\\n', 'a"} 1\nb{c="'),
    );
    fc.assert(
      fc.property(hostile, hostile, (one, two) => {
        const registry = new Registry();
        registry.gauge('x_info', 'Help.', 'one', 'two').set(3, { one, two });
        expect(readPage(registry.text())).toEqual([{ name: 'x_info', labels: { one, two }, value: 3 }]);
      }),
    );
  });

  test('has one series for the same labels, in whatever order they are given', () => {
    const registry = new Registry();
    const bytes = registry.counter('x_bytes_total', 'Help.', 'one', 'two');
    bytes.inc({ one: '1', two: '2' });
    bytes.inc({ two: '2', one: '1' });
    expect(readPage(registry.text())).toEqual([
      { name: 'x_bytes_total', labels: { one: '1', two: '2' }, value: 2 },
    ]);
  });

  test('has no series of what was cleared', () => {
    const registry = new Registry();
    const refused = registry.gauge('x_refused', 'Help.', 'code');
    refused.set(1, { code: 'A' });
    refused.clear();
    refused.set(2, { code: 'B' });
    expect(readPage(registry.text())).toEqual([{ name: 'x_refused', labels: { code: 'B' }, value: 2 }]);
  });
});

test('the buckets of a histogram are cumulative, and the last holds everything', () => {
  const registry = new Registry();
  const latency = registry.histogram('x_seconds', 'Help.', [0.1, 1]);
  for (const seconds of [0.1, 0.5, 2]) latency.observe(seconds);
  expect(readPage(registry.text())).toEqual([
    { name: 'x_seconds_bucket', labels: { le: '0.1' }, value: 1 },
    { name: 'x_seconds_bucket', labels: { le: '1' }, value: 2 },
    { name: 'x_seconds_bucket', labels: { le: '+Inf' }, value: 3 },
    { name: 'x_seconds_sum', labels: {}, value: 2.6 },
    { name: 'x_seconds_count', labels: {}, value: 3 },
  ]);
});

describe('the page of an agent', () => {
  const none = { packets: 0n, bytes: 0n };
  const counters = (rule: bigint): Counters => ({
    rules: new Map([
      [1, { packets: rule, bytes: 0n }],
      [2, none],
      [9, { packets: 5n, bytes: 0n }],
    ]),
    reasons: {
      ...(Object.fromEntries(
        reasons.map((reason) => [reason, { allowed: none, denied: none }]),
      ) as Counters['reasons']),
      'default-deny': { allowed: none, denied: { packets: 3n, bytes: 180n } },
    },
    lostEvents: 7n,
  });
  const position = { file: 'networkpolicies/x/p', line: 1, column: 1 };
  const origin = {
    dialect: 'NetworkPolicy',
    namespace: 'x',
    name: 'p',
    direction: 'ingress',
    ruleIndex: 2,
    position,
  } as const;
  const legend = {
    rules: new Map([
      [1, origin],
      [2, origin],
    ]),
    sets: new Map(),
  };

  const remote = { identity: 1, ingressSet: 0, egressSet: 0, role: 'remote' } as const;
  const rows = ['10.0.0.1', '10.0.0.2', 'fd00::1'].map((text) => {
    return [text, { address: address(text), value: remote }] as const;
  });
  const dualStack = { ...emptyTables, addresses: new Map(rows) };

  test('counts packets by reason and by rule, of rules that there are', () => {
    const metrics = new AgentMetrics({ version: '1', engine: 'ebpf' });
    metrics.setTables(dualStack);
    metrics.setRoom({ capacity: { addresses: 8 }, taken: 1, limit: 2 });
    metrics.setCounters(counters(4n), legend);
    const samples = readPage(metrics.text());
    const valuesOf = (name: string) =>
      samples.filter((sample) => sample.name === name).map(({ labels, value }) => ({ ...labels, value }));
    expect(valuesOf('bulkhead_packets_total')).toEqual([
      { reason: 'default-deny', verdict: 'denied', value: 3 },
    ]);
    expect(valuesOf('bulkhead_bytes_total')).toEqual([
      { reason: 'default-deny', verdict: 'denied', value: 180 },
    ]);
    expect(valuesOf('bulkhead_rule_packets_total')).toEqual([
      { namespace: 'x', policy: 'p', direction: 'ingress', rule: '2', value: 4 },
    ]);
    expect(valuesOf('bulkhead_lost_events_total')).toEqual([{ value: 7 }]);
    expect(valuesOf('bulkhead_table_entries')).toEqual([
      { table: 'addresses', value: 2 },
      { table: 'cidrs', value: 0 },
      { table: 'classes', value: 0 },
      { table: 'ports', value: 0 },
    ]);
    expect(valuesOf('bulkhead_table_capacity')).toEqual([{ table: 'addresses', value: 8 }]);
    expect(valuesOf('bulkhead_table_memory_bytes')).toEqual([{ value: 1 }]);
    expect(valuesOf('bulkhead_table_memory_limit_bytes')).toEqual([{ value: 2 }]);
    expect(valuesOf('bulkhead_build_info')).toEqual([{ version: '1', engine: 'ebpf', value: 1 }]);
  });

  test('has no rule that no packet met since', () => {
    const metrics = new AgentMetrics({ version: '1', engine: 'ebpf' });
    metrics.setCounters(counters(4n), legend);
    metrics.setCounters(counters(0n), legend);
    expect(metrics.text()).not.toContain('bulkhead_rule_packets_total{');
  });

  test('has each series once, and names that the format knows', () => {
    const metrics = new AgentMetrics({ version: '1', engine: 'ebpf' });
    metrics.setTables(emptyTables);
    metrics.setCounters(counters(4n), legend);
    metrics.realisation.observe(0.001);
    const series = readPage(metrics.text()).map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
    expect(series).toEqual([...new Set(series)]);
    expect(series.length).toBeGreaterThan(20);
  });
});
