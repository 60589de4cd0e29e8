/** Dashboard and alerts ask for what the agent has; alerts fire when they should, as Prometheus itself judges. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { agentMetrics } from '../../scripts/deploy/metrics-page.ts';
import { root } from '../../scripts/deploy/names.ts';
import { AgentMetrics } from '../../src/agent/metrics/agent-metrics.ts';
import { ensureParts } from '../cluster/parts/cache.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { run } from '../cluster/process/run.ts';
import { askedBy } from './promql.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const rulesFile = join(root, 'deploy/prometheus/rules.yaml');
const { groups } = parse(readFileSync(rulesFile, 'utf8')) as {
  groups: readonly { readonly rules: readonly Alert[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);
const dashboard = JSON.parse(readFileSync(join(root, 'deploy/grafana/bulkhead.json'), 'utf8')) as Dashboard;

/** Grafana's variables stand where PromQL wants a duration. */
const panelQueries = dashboard.panels.flatMap(({ targets = [] }) =>
  targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')),
);
const queries = [...panelQueries, ...alerts.map(({ expr }) => expr)];

/** As they are in the database, with the labels that each series has. */
const series = new Map(
  agentMetrics().flatMap(({ name, type, labels }) =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']] as const,
          ...['sum', 'count'].map((suffix) => [`${name}_${suffix}`, labels] as const),
        ]
      : [[name, labels] as const],
  ),
);
/** Of every scrape. */
const scraped = { metrics: ['up'], labels: ['instance', 'job'] };

describe('dashboard and alerts', () => {
  test('are PromQL, and ask for metrics that the agent has', () => {
    const asked = new Set(queries.flatMap((query) => [...askedBy(query).metrics]));
    expect([...asked].filter((name) => !series.has(name) && !scraped.metrics.includes(name))).toEqual([]);
  });

  test.each(queries)('%s names labels that its metrics have', (query) => {
    const { metrics, labels } = askedBy(query);
    const known = new Set([...scraped.labels, ...[...metrics].flatMap((name) => series.get(name) ?? [])]);
    expect([...labels].filter((label) => !known.has(label))).toEqual([]);
  });

  test('the dashboard shows every metric but how long the process runs', () => {
    const shown = new Set(panelQueries.flatMap((query) => [...askedBy(query).metrics]));
    const missing = agentMetrics().filter(({ name }) => !shown.has(name) && !shown.has(`${name}_bucket`));
    expect(missing.map(({ name }) => name)).toEqual(['process_start_time_seconds']);
  });

  test('no two panels lie on each other', () => {
    const taken = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(taken).size).toBe(taken.length);
  });

  test('every alert says what it means and has a severity', () => {
    const incomplete = alerts.filter(
      ({ labels, annotations }) =>
        !['critical', 'warning'].includes(labels.severity) ||
        annotations.summary === '' ||
        annotations.description.length < 40,
    );
    expect(incomplete).toEqual([]);
  });

  test('what is no PromQL is found', () => {
    expect(() => askedBy('sum by (a (b)')).toThrow('no PromQL');
  });
});

const reason = reasonToSkip(['promtool']);

describe.skipIf(reason !== undefined)(`Prometheus${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const promtool = async (args: readonly string[], input = ''): Promise<string> =>
    run((await ensureParts(['promtool'], console.log)).promtool, args, input);

  test('takes the alerts', async () => {
    const checked = await promtool(['check', 'rules', '--lint-fatal', rulesFile]);
    expect(checked).toContain(`${alerts.length} rules found`);
  });

  test('each alert fires when it should, and is silent while all is well', async () => {
    const file = join(import.meta.dirname, 'fixtures/alerts.yaml');
    const { tests } = parse(readFileSync(file, 'utf8')) as {
      tests: readonly { alert_rule_test: readonly { alertname: string; exp_alerts: readonly unknown[] }[] }[];
    };
    const outcomes = tests.flatMap((one) => one.alert_rule_test);
    const fired = outcomes.filter(({ exp_alerts: expected }) => expected.length > 0);
    const silent = outcomes.filter(({ exp_alerts: expected }) => expected.length === 0);
    const names = alerts.map(({ alert }) => alert).sort();
    expect([...new Set(fired.map(({ alertname }) => alertname))].sort()).toEqual(names);
    expect([...new Set(silent.map(({ alertname }) => alertname))].sort()).toEqual(names);
    expect(await promtool(['test', 'rules', file])).toContain('SUCCESS');
  });

  test('has nothing to say of how the metrics are named', async () => {
    const metrics = new AgentMetrics({ version: '1', engine: 'ebpf' });
    metrics.realisation.observe(0.1);
    metrics.drift.inc({ kind: 'table' });
    expect(await promtool(['check', 'metrics'], metrics.text())).toBe('');
  });
});
