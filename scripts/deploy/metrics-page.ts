/** docs/metrics.md: every metric, from the agent's own list of them. */
import { AgentMetrics } from '../../src/agent/metrics/agent-metrics.ts';

export function agentMetrics() {
  return new AgentMetrics({ version: '', engine: '' }).descriptions;
}

export function metricsPage(): string {
  const rows = agentMetrics()
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, type, labels, help }) => {
      const named = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${type} | ${named} | ${help} |`;
    });
  return `<!-- Made by scripts/deploy.ts from src/agent/metrics; a test keeps it true. Don't edit. -->

# Metrics

Each agent serves them in Prometheus' text format on \`/metrics\` of its health port (20244), without names of pods. Dashboard:
\`deploy/grafana/bulkhead.json\`. Alerts: \`deploy/prometheus/rules.yaml\`; what to do about each is in its description. How to have both
scraped and loaded: [install.md](install.md#monitoring).

| Metric | Type | Labels | Meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

Histograms have the usual \`_bucket\`, \`_sum\` and \`_count\`. \`reason\` is one of those in [flows.md](flows.md). Counts of packets and bytes
are kept in the kernel; they begin anew when an agent starts, as Prometheus expects of counters, and go on where it makes its datapath anew
(for larger tables, or after somebody has changed it), without the packets of that moment. A rule that is removed takes its counter along.
`;
}
