/** Where policies are in force, for people: one line per node or per policy, and below it what is wrong. */
import type { NodeReport, NodeStateName, PolicyReport } from '../../operate/policy-rollout.ts';
import type { ClusterStatus } from '../commands/status.ts';
import { renderColumns } from './columns.ts';
import { printable } from './printable.ts';
import { paint, type Style, type Terminal } from './terminal.ts';

const styles: Readonly<Record<NodeStateName, Style>> = {
  ready: 'green',
  starting: 'yellow',
  degraded: 'yellow',
  stale: 'red',
  'no agent': 'red',
};

export function renderClusterStatus(status: ClusterStatus, terminal: Terminal): string {
  const { nodes, policies, view } = status;
  const everywhere = policies.filter(({ pending, refused }) => pending.length + refused.length === 0);
  const ready = nodes.filter(({ state }) => state === 'ready');
  const head = `${ready.length} of ${nodes.length} nodes ready; ${everywhere.length} of ${policies.length} policies in force on every node.`;
  const table = view === 'nodes' ? nodeTable(nodes, terminal) : policyTable(policies, terminal);
  const notes = view === 'nodes' ? nodes.flatMap(nodeNotes) : policies.flatMap(policyNotes);
  const sections = [`${head}\n`, table, notes.map((note) => `${printable(note)}\n`).join('')];
  return sections.filter((section) => section !== '').join('\n');
}

function nodeTable(nodes: readonly NodeReport[], terminal: Terminal): string {
  return renderColumns<NodeReport>(
    [
      { header: 'NODE', cell: ({ node }) => node },
      { header: 'STATE', cell: ({ state }) => paint(terminal, styles[state], state) },
      { header: 'ENGINE', cell: ({ engine }) => printable(engine || '-') },
      { header: 'VERSION', cell: ({ agentVersion }) => printable(agentVersion || '-') },
      { header: 'PODS', cell: ({ localPods }) => String(localPods ?? '-'), align: 'right' },
      { header: 'REALISED', cell: ({ realised }) => String(realised), align: 'right' },
      { header: 'PENDING', cell: ({ pending }) => String(pending), align: 'right' },
      { header: 'REFUSED', cell: ({ refused }) => String(refused), align: 'right' },
      { header: 'SINCE', cell: ({ since }) => printable(since || '-') },
    ],
    nodes,
    terminal,
  );
}

/** One line per policy. */
export function policyTable(policies: readonly PolicyReport[], terminal: Terminal): string {
  return renderColumns<PolicyReport>(
    [
      { header: 'POLICY', cell: ({ policy }) => policy },
      { header: 'REALISED', cell: ({ realised }) => String(realised.length), align: 'right' },
      { header: 'PENDING', cell: ({ pending }) => String(pending.length), align: 'right' },
      { header: 'REFUSED', cell: ({ refused }) => String(refused.length), align: 'right' },
    ],
    policies,
    terminal,
  );
}

function nodeNotes({ node, problems }: NodeReport): string[] {
  return problems.map((problem) => `${node}: ${problem}`);
}

const instead = { previous: 'the version before it goes on', closed: 'the pods that it selects are closed' };

/** Where it is not in force, since when and why: one line each. */
export function policyNotes({ policy, pending, refused }: PolicyReport): string[] {
  return [
    ...refused.map(
      ({ node, code, message, enforced, since }) =>
        `${policy}: refused on ${node} since ${since}: ${code}: ${message}; ${instead[enforced]}`,
    ),
    ...pending.map(
      ({ node, reason, since }) =>
        `${policy}: pending on ${node}${since === '' ? '' : ` since ${since}`}: ${reason}`,
    ),
  ];
}
