/** The Grafana dashboard: what a node enforces, how fast, what it denies, and whether all is well. */
import type { Plain } from './template.ts';

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly kind: 'stat' | 'timeseries' | 'table';
  readonly unit?: string;
  readonly stacked?: boolean;
  /** Query and what its series are called. */
  readonly queries: readonly (readonly [expr: string, legend: string])[];
}

/** Of 24 columns. */
const width = 8;
const height = 8;
const datasource = { type: 'prometheus', uid: '${datasource}' };

const of = (metric: string): string => `${metric}{instance=~"$node"}`;
const rate = (metric: string): string => `rate(${of(metric)}[$__rate_interval])`;
const quantile = (q: number, metric: string): readonly [string, string] => [
  `histogram_quantile(${q}, sum by (le) (${rate(`${metric}_bucket`)}))`,
  q === 0.5 ? 'median' : `p${q * 100}`,
];

const rows: Readonly<Record<string, readonly Panel[]>> = {
  'Is all well?': [
    {
      title: 'Agents that enforce',
      description: 'Nodes whose kernel holds what the API server said; below, those that do not yet.',
      kind: 'stat',
      queries: [
        [`sum(${of('bulkhead_ready')})`, 'ready'],
        [`count(${of('bulkhead_ready')} == 0) or vector(0)`, 'not ready'],
      ],
    },
    {
      title: 'Policies refused',
      description:
        'Policies that a node does not enforce as they stand: the version before goes on, or their pods are closed.',
      kind: 'timeseries',
      queries: [[`sum by (instance, code) (${of('bulkhead_refused_policies')})`, '{{instance}} {{code}}']],
    },
    {
      title: 'Degraded',
      description: 'Conditions that fail. Enforcement goes on.',
      kind: 'timeseries',
      queries: [
        [`max by (instance, condition) (${of('bulkhead_degraded')}) > 0`, '{{instance}} {{condition}}'],
      ],
    },
  ],
  'How fast?': [
    {
      title: 'From change to kernel',
      description: 'From the arrival of a change from the API server until every later packet sees it.',
      kind: 'timeseries',
      unit: 's',
      queries: [0.5, 0.99].map((q) => quantile(q, 'bulkhead_policy_realisation_latency_seconds')),
    },
    {
      title: 'Of that, computing',
      description: 'From a change of the cluster to the change of the tables.',
      kind: 'timeseries',
      unit: 's',
      queries: [0.5, 0.99].map((q) => quantile(q, 'bulkhead_compile_duration_seconds')),
    },
    {
      title: 'Held by the gate',
      description: 'How long pods waited before their first container, until their policies were in force.',
      kind: 'timeseries',
      unit: 's',
      queries: [0.5, 0.99].map((q) => quantile(q, 'bulkhead_gate_hold_duration_seconds')),
    },
    {
      title: 'Changes',
      description: 'Changes that the agents took, by outcome.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [[`sum by (outcome) (${rate('bulkhead_updates_total')})`, '{{outcome}}']],
    },
  ],
  'What happens to packets?': [
    {
      title: 'Packets denied',
      description: 'By reason: docs/flows.md says what each means.',
      kind: 'timeseries',
      unit: 'pps',
      stacked: true,
      queries: [
        [
          'sum by (reason) (rate(bulkhead_packets_total{instance=~"$node", verdict="denied"}[$__rate_interval]))',
          '{{reason}}',
        ],
      ],
    },
    {
      title: 'Packets allowed',
      description: 'By reason.',
      kind: 'timeseries',
      unit: 'pps',
      stacked: true,
      queries: [
        [
          'sum by (reason) (rate(bulkhead_packets_total{instance=~"$node", verdict="allowed"}[$__rate_interval]))',
          '{{reason}}',
        ],
      ],
    },
    {
      title: 'Bytes',
      description: 'By verdict.',
      kind: 'timeseries',
      unit: 'Bps',
      queries: [[`sum by (verdict) (${rate('bulkhead_bytes_total')})`, '{{verdict}}']],
    },
    {
      title: 'Busiest rules',
      description: 'Packets of the last hour that a rule decided.',
      kind: 'table',
      queries: [
        [
          `topk(20, sum by (namespace, policy, direction, rule) (increase(${of('bulkhead_rule_packets_total')}[1h])))`,
          '',
        ],
      ],
    },
    {
      title: 'Flow events lost',
      description: 'Between kernel and agent. Counters are exact all the same.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [[`sum by (instance) (${rate('bulkhead_lost_events_total')})`, '{{instance}}']],
    },
    {
      title: 'Drift',
      description:
        'Differences found between the kernel and what it should hold, and repaired; and comparisons.',
      kind: 'timeseries',
      queries: [
        [`sum by (instance, kind) (increase(${of('bulkhead_drift_total')}[15m]))`, '{{instance}} {{kind}}'],
        [`sum(increase(${of('bulkhead_resyncs_total')}[15m]))`, 'comparisons'],
      ],
    },
  ],
  'How much is there?': [
    {
      title: 'Objects',
      description: 'That an agent knows: the most of any.',
      kind: 'timeseries',
      queries: [[`max by (kind) (${of('bulkhead_objects')})`, '{{kind}}']],
    },
    {
      title: 'Rows in the kernel',
      description: 'By table, the most of any node, and what there is room for.',
      kind: 'timeseries',
      queries: [
        [`max by (table) (${of('bulkhead_table_entries')})`, '{{table}}'],
        [`max by (table) (${of('bulkhead_table_capacity')})`, '{{table}}: room'],
      ],
    },
    {
      title: 'Room in the kernel',
      description:
        'Memory that the tables take, and may take, of the node where they take most. Tables grow as policies need.',
      kind: 'timeseries',
      unit: 'bytes',
      queries: [
        [`max(${of('bulkhead_table_memory_bytes')})`, 'taken'],
        [`max(${of('bulkhead_table_memory_limit_bytes')})`, 'allowed'],
      ],
    },
    {
      title: 'Pods, identities, sets, classes',
      description: 'What the tables are made of, the most of any node.',
      kind: 'timeseries',
      queries: [
        [`max(${of('bulkhead_local_pods')})`, 'pods of the node'],
        [`max(${of('bulkhead_identities')})`, 'identities'],
        [`max(${of('bulkhead_rule_sets')})`, 'sets of rules'],
        [`max(${of('bulkhead_classes')})`, 'classes'],
      ],
    },
    {
      title: 'Memory of the agent',
      description: 'Resident.',
      kind: 'timeseries',
      unit: 'bytes',
      queries: [
        [`${of('process_resident_memory_bytes')} and on (instance) bulkhead_build_info`, '{{instance}}'],
      ],
    },
    {
      title: 'CPU of the agent',
      description: 'Share of one CPU.',
      kind: 'timeseries',
      unit: 'percentunit',
      queries: [
        [`${rate('process_cpu_seconds_total')} and on (instance) bulkhead_build_info`, '{{instance}}'],
      ],
    },
    {
      title: 'The API server',
      description: 'Watches begun anew, lists read anew, and failures, by resource.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        [`sum by (resource) (${rate('bulkhead_watch_restarts_total')})`, 'restarts {{resource}}'],
        [`sum by (resource) (${rate('bulkhead_relists_total')})`, 'lists {{resource}}'],
        [`sum by (resource) (${rate('bulkhead_watch_failures_total')})`, 'failures {{resource}}'],
      ],
    },
  ],
};

export const dashboard: Plain = {
  title: 'Bulkhead',
  uid: 'bulkhead',
  tags: ['kubernetes', 'networkpolicy'],
  schemaVersion: 39,
  editable: true,
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
      {
        name: 'node',
        label: 'Node',
        type: 'query',
        datasource,
        query: 'label_values(bulkhead_build_info, instance)',
        includeAll: true,
        allValue: '.*',
        multi: true,
        refresh: 2,
        current: { text: 'All', value: '$__all' },
      },
    ],
  },
  panels: placed(),
};

/** Panels go from left to right below the title of their row. */
function placed(): Plain {
  let y = 0;
  let id = 0;
  return Object.entries(rows).flatMap(([title, panels]) => {
    const heading = { id: ++id, type: 'row', title, collapsed: false, gridPos: { h: 1, w: 24, x: 0, y } };
    const top = y + 1;
    y = top + Math.ceil(panels.length / (24 / width)) * height;
    const drawn = panels.map((panel, index) => ({
      id: ++id,
      gridPos: {
        h: height,
        w: width,
        x: (index * width) % 24,
        y: top + Math.floor((index * width) / 24) * height,
      },
      ...drawing(panel),
    }));
    return [heading, ...drawn];
  });
}

function drawing({ title, description, kind, unit = 'short', stacked, queries }: Panel) {
  const instant = kind !== 'timeseries';
  return {
    type: kind,
    title,
    description,
    datasource,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(stacked === true ? { custom: { stacking: { mode: 'normal' }, fillOpacity: 30 } } : {}),
      },
      overrides: [],
    },
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat,
      instant,
      range: !instant,
      ...(kind === 'table' ? { format: 'table' } : {}),
    })),
  };
}
