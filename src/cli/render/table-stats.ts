/** `bulkhead compile --stats` for people. */
import type { TableStats } from '../../analyze/table-stats.ts';

export function renderTableStats({ cluster, program, node, perEndpoint, perPolicy }: TableStats): string {
  const kernel = program.addresses + program.prefixes + program.setIdentities + program.ports;
  const sections = [
    section(
      `${count(cluster.pods)} pods, ${count(cluster.policies)} policies, ${count(cluster.nodes)} nodes`,
      [
        [program.identities, 'identities'],
        [program.sets, 'rule sets'],
        [program.classes, 'classes'],
      ],
    ),
    section('Bulkhead, all pods together', [
      [program.addresses, 'addresses'],
      [program.prefixes, 'prefixes'],
      [program.setIdentities, 'set × identity → class'],
      [program.ports, 'class × port prefix → verdict'],
      [kernel, 'entries'],
    ]),
    ...(node
      ? [
          section(`Bulkhead, node ${node.name}: only what its ${count(node.localPods)} pods need`, [
            [node.addresses, 'addresses (all pods and nodes: who is a peer is told by exact match)'],
            [node.prefixes, 'prefixes that its pods tell apart'],
            [node.setIdentities, 'set × identity → class'],
            [node.ports, 'class × port prefix → verdict'],
            [node.addresses + node.prefixes + node.setIdentities + node.ports, 'entries'],
          ]),
        ]
      : []),
    section('One policy map per endpoint, as Cilium has', [
      [perEndpoint.identities, 'identities'],
      [perEndpoint.endpoints, 'maps'],
      [perEndpoint.largest, 'entries in the largest map'],
      [perEndpoint.entries, 'entries'],
    ]),
    section('One chain and sets of addresses per policy, as kube-router has', [
      [perPolicy.sets, 'sets'],
      [perPolicy.members, 'members of sets'],
      [perPolicy.rules, 'rules'],
      [perPolicy.members + perPolicy.rules, 'entries'],
    ]),
  ];
  return sections.join('\n');
}

function section(title: string, rows: readonly (readonly [number, string])[]): string {
  const width = Math.max(...rows.map(([number]) => count(number).length));
  const lines = rows.map(([number, text]) => `  ${count(number).padStart(width)}  ${text}\n`);
  return `${title}\n${lines.join('')}`;
}

function count(number: number): string {
  return number.toLocaleString('en');
}
