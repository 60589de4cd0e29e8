/** docs/metrics.md: every metric, from the agent's own list of them. */
import { AgentMetrics } from '../../src/agent/metrics/agent-metrics.ts';
import type { DatapathReason } from '../../src/datapath/datapath.ts';

const reasonTexts: Readonly<Record<DatapathReason, string>> = {
  rule: 'A rule let it in or out.',
  'not-isolated': 'No policy selects the pod.',
  'default-deny': 'A policy selects the pod, and no rule allows this.',
  reply: 'An answer on a connection or to a datagram that was let through.',
  related: 'An ICMP error about such a connection.',
  self: 'A pod to itself.',
  node: 'The node to its own pod.',
  unprogrammed:
    'An address of the pod range that nobody has (yet), or one that is not of the pod behind the interface.',
  malformed: "Headers that can't be read, or an ICMP error about what was not sent to the pod.",
  'neighbour-discovery': 'What IPv6 needs between a pod and its node.',
  'no-subject': 'Neither from nor to a pod of this node that policies are about: other traffic of the node.',
  none: 'The tables changed while the packet was judged, each time: its sender sends it again.',
};

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
  const reasonRows = Object.entries(reasonTexts).map(([reason, text]) => `| \`${reason}\` | ${text} |`);
  return `<!-- Made by scripts/deploy.ts from src/agent/metrics; a test keeps it true. Don't edit. -->

# Metrics

Each agent serves them in Prometheus' text format on \`/metrics\` of its health port (20244), without names of pods. Dashboard:
\`deploy/grafana/bulkhead.json\`. Alerts: \`deploy/prometheus/rules.yaml\`; what to do about each is in its description. How to have both
scraped and loaded: [install.md](install.md#monitoring).

| Metric | Type | Labels | Meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

Histograms have the usual \`_bucket\`, \`_sum\` and \`_count\`. Counts of packets and bytes
are kept in the kernel; they begin anew when an agent starts, as Prometheus expects of counters, and go on where it makes its datapath anew
(for larger tables, or after somebody has changed it), without the packets of that moment. A rule that is removed takes its counter along.

| \`reason\` | Of packets |
| --- | --- |
${reasonRows.join('\n')}

What leads to each: [datapath.md](datapath.md).
`;
}
