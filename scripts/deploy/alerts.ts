/** What an operator should be told of, on the agent's own metrics. */
import type { Plain } from './template.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: 'critical' | 'warning';
  readonly summary: string;
  /** What it means for packets, and what to do. */
  readonly description: string;
}

const where = '{{ $labels.instance }}';

const alerts: readonly Alert[] = [
  {
    alert: 'BulkheadAgentDown',
    expr: 'up{job=~".*bulkhead.*"} == 0',
    for: '5m',
    severity: 'critical',
    summary: `No word from the agent of ${where}`,
    description:
      'The kernel of the node goes on enforcing what it had; new pods of the node stay closed, and changed policies are not followed. See the pod of the agent and its log.',
  },
  {
    alert: 'BulkheadNotReady',
    expr: 'bulkhead_ready == 0',
    for: '5m',
    severity: 'critical',
    summary: `The agent of ${where} has not read the cluster`,
    description:
      'What the node enforces is that of an agent before it, or its pods are closed. bulkhead_degraded says which condition fails, and /healthz of the node why.',
  },
  {
    alert: 'BulkheadPolicyRefused',
    expr: 'sum by (instance, code) (bulkhead_refused_policies) > 0',
    for: '1m',
    severity: 'critical',
    summary: `${where} does not enforce {{ $value }} policies as they stand ({{ $labels.code }})`,
    description:
      'The version before goes on, or the pods that the policy selects are closed. `bulkhead status policies` names them; docs/errors.md says what the code means.',
  },
  {
    alert: 'BulkheadDegraded',
    expr: 'max by (instance, condition) (bulkhead_degraded{condition!="policies"}) == 1',
    for: '5m',
    severity: 'warning',
    summary: `${where} is degraded: {{ $labels.condition }}`,
    description:
      'The kernel goes on enforcing what it had. /healthz of the node, and `bulkhead status`, say what is wrong.',
  },
  {
    alert: 'BulkheadDrift',
    // A counter that appears has grown, too, though increase() does not see it.
    expr: 'max by (instance, kind) (increase(bulkhead_drift_total[15m]) > 0 or (bulkhead_drift_total unless bulkhead_drift_total offset 15m))',
    for: '0m',
    severity: 'warning',
    summary: `Somebody changed what Bulkhead has in the kernel of ${where} ({{ $labels.kind }})`,
    description:
      'It was found and repaired, but until then policies may not have been enforced. Look for who flushes nftables, detaches BPF links or deletes pins on the node.',
  },
  {
    alert: 'BulkheadWatchFailing',
    expr: 'sum by (instance, resource) (rate(bulkhead_watch_failures_total[10m])) > 0.05',
    for: '10m',
    severity: 'warning',
    summary: `The agent of ${where} keeps failing to follow {{ $labels.resource }}`,
    description: 'Changes reach the node late or not at all. See the log of the agent and the API server.',
  },
  {
    alert: 'BulkheadRealisationSlow',
    expr: 'histogram_quantile(0.99, sum by (instance, le) (rate(bulkhead_policy_realisation_latency_seconds_bucket[10m]))) > 0.5',
    for: '15m',
    severity: 'warning',
    summary: `Changes take {{ $value | humanizeDuration }} to be in force on ${where}`,
    description: 'It should be milliseconds. Is the node short of CPU?',
  },
  {
    alert: 'BulkheadTablesNearLimit',
    expr: 'bulkhead_table_entries > on (instance, table) 0.8 * bulkhead_table_capacity and on (instance) 2 * bulkhead_table_memory_bytes > bulkhead_table_memory_limit_bytes',
    for: '15m',
    severity: 'warning',
    summary: `The table {{ $labels.table }} of ${where} is nearly full and can hardly grow`,
    description:
      'It has {{ $value }} rows. Policies that find no room will be refused. --table-memory (agent.tableMemory) allows the tables more; the limit of the pod must have room for it.',
  },
  {
    alert: 'BulkheadFlowEventsLost',
    expr: 'sum by (instance) (rate(bulkhead_lost_events_total[10m])) > 1',
    for: '10m',
    severity: 'warning',
    summary: `${where} sees more flows than its agent can take`,
    description:
      'Enforcement and counters are exact all the same; the list of flows has gaps. --events=denied (agent.events) reports fewer.',
  },
];

export const ruleGroups: Plain = [
  {
    name: 'bulkhead',
    rules: alerts.map(({ severity, summary, description, ...rule }) => ({
      ...rule,
      labels: { severity },
      annotations: { summary, description },
    })),
  },
];
