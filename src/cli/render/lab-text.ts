/** What the lab's commands say to people. */
import { displayKey } from '../../lab/object-changes.ts';
import type { NodeStatus } from '../../lab/protocol.ts';
import type { ChangeReport, DownReport, LabListItem, StatusReport, UpReport } from '../lab-reports.ts';
import { renderColumns } from './columns.ts';
import { paint, type Terminal } from './terminal.ts';

const engineTitles = { ebpf: 'eBPF', nftables: 'nftables' } as const;

export function renderUp(report: UpReport, terminal: Terminal): string {
  const { lab, datapath, totals, timings, skipped, broughtDns, totalMs } = report;
  const option = nameOption(lab);
  const ignored = Object.entries(skipped).map(([kind, number]) => `${number} ${kind}`);
  const next = [
    [`bulkhead lab probe${option}`, 'send packets between all pairs and compare with the policies'],
    [`bulkhead lab flows --follow${option}`, 'watch who talks to whom, and which line of YAML decided'],
    [`bulkhead lab exec${option} NAMESPACE/POD -- curl SERVICE`, 'be a pod'],
    [`bulkhead lab down${option}`, 'take it away'],
  ] as const;
  const width = Math.max(...next.map(([command]) => command.length));
  return [
    `Lab ${paint(terminal, 'bold', lab)} is up in ${seconds(totalMs)}: ${count(totals.nodes, 'node')}, ${count(totals.pods, 'pod')}, ` +
      `${count(totals.services, 'service')}, ${count(totals.policies, 'policy', 'policies')}.`,
    ...(ignored.length > 0 ? [`Left out, as no lab needs them: ${ignored.join(', ')}.`] : []),
    ...(broughtDns ? ['Added, as no manifest brings it: a cluster DNS, kube-system/coredns.'] : []),
    `Enforced by ${engineTitles[datapath.engine]}, because ${datapath.why}.`,
    `Policies compiled in ${ms(timings.compileMs)}, in the kernel after ${ms(timings.kernelMs)} more, before any pod had a network.`,
    '',
    'Next:',
    ...next.map(([command, text]) => `  ${command.padEnd(width)} ${paint(terminal, 'dim', text)}`),
    '',
  ].join('\n');
}

export function renderDown({ labs }: DownReport): string {
  if (labs.length === 0) return 'There is no lab.\n';
  return labs.map(({ name, ms: took }) => `Lab ${name} is gone (${seconds(took)}).\n`).join('');
}

export function renderLabList(labs: readonly LabListItem[], terminal: Terminal): string {
  if (labs.length === 0) return 'There is no lab. Start one: bulkhead lab up PATH…\n';
  const table = renderColumns<LabListItem>(
    [
      { header: 'NAME', cell: ({ name }) => name },
      { header: 'STATE', cell: ({ state }) => state },
      { header: 'PODS', cell: ({ pods }) => String(pods ?? '-'), align: 'right' },
      { header: 'POLICIES', cell: ({ policies }) => String(policies ?? '-'), align: 'right' },
      { header: 'SINCE', cell: ({ since }) => since ?? '-' },
    ],
    labs,
    terminal,
  );
  const dead = labs.filter(({ state }) => state === 'daemon dead');
  if (dead.length === 0) return table;
  const commands = dead.map(({ name }) => `  bulkhead lab down${nameOption(name)}\n`);
  return `${table}\nNo process answers for what is left of these any more. Take it away:\n${commands.join('')}`;
}

export function renderChange({ changes, podsAdded, podsRemoved, timings, parseMs }: ChangeReport): string {
  const { assembleMs, nodesMs, translateMs, compileMs, deltaMs, kernelMs, networkMs, enforcedMs, entries } =
    timings;
  const nodes = nodesMs >= 1 ? `nodes ${ms(nodesMs)}, ` : '';
  const compile = translateMs + compileMs + deltaMs;
  return [
    ...changes.map(({ key, change }) => `${displayKey(key)} ${change}`),
    ...podsAdded.map((pod) => `  + pod ${pod}`),
    ...podsRemoved.map((pod) => `  - pod ${pod}`),
    `In the kernel of every node after ${ms(enforcedMs)}: assemble ${ms(assembleMs)}, ${nodes}compile ${ms(compile)}, ` +
      `kernel ${ms(kernelMs)} (${count(entries, 'entry', 'entries')}). Before that, parse ${ms(parseMs)}; after it, network ${ms(networkMs)}.`,
    '',
  ].join('\n');
}

export function renderStatus(report: StatusReport, terminal: Terminal): string {
  const { lab, totals, since, pid, memoryBytes, nodes, pods } = report;
  const lost = nodes.reduce((sum, node) => sum + node.lostEvents, 0);
  const head = [
    `Lab ${paint(terminal, 'bold', lab)}: ${count(totals.nodes, 'node')}, ${count(totals.pods, 'pod')}, ` +
      `${count(totals.services, 'service')}, ${count(totals.policies, 'policy', 'policies')}.`,
    `Daemon: process ${pid}, up since ${since}, ${Math.round(memoryBytes / 2 ** 20)} MiB.`,
    lost === 0 ? 'No flow event was lost.' : paint(terminal, 'yellow', `${lost} flow events were lost.`),
  ];
  const nodeTable = renderColumns<NodeStatus>(
    [
      { header: 'NODE', cell: ({ name }) => name },
      { header: 'ADDRESS', cell: ({ addresses }) => addresses.join(',') },
      { header: 'POD RANGE', cell: ({ podCIDRs }) => podCIDRs.join(',') },
      { header: 'PODS', cell: (node) => String(node.pods), align: 'right' },
      { header: 'ADDRESSES', cell: ({ tables }) => String(tables.addresses), align: 'right' },
      { header: 'CIDRS', cell: ({ tables }) => String(tables.cidrs), align: 'right' },
      { header: 'CLASSES', cell: ({ tables }) => String(tables.classes), align: 'right' },
      { header: 'PORTS', cell: ({ tables }) => String(tables.ports), align: 'right' },
      { header: 'ALLOWED', cell: ({ allowed }) => String(allowed), align: 'right' },
      { header: 'DENIED', cell: ({ denied }) => String(denied), align: 'right' },
    ],
    nodes,
    terminal,
  );
  const podTable = renderColumns<StatusReport['pods'][number]>(
    [
      { header: 'POD', cell: ({ name }) => name },
      { header: 'NODE', cell: ({ node }) => node },
      { header: 'ADDRESS', cell: ({ addresses }) => addresses.join(',') || '-' },
      { header: 'IP NETNS', cell: ({ netns }) => netns || '-' },
    ],
    pods,
    terminal,
  );
  return [...head, '', nodeTable, podTable].join('\n');
}

function nameOption(lab: string): string {
  return lab === 'default' ? '' : ` --name ${lab}`;
}

/** `0.42 ms`, `12 ms`. */
function ms(value: number): string {
  return value < 10 ? `${value.toFixed(2)} ms` : `${Math.round(value)} ms`;
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(1)} s`;
}

function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}
