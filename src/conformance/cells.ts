/** What a step asks: every end to every end, on every port, in every family, and what is expected of it. */
import type { Address, IpFamily } from '../objects/ip.ts';
import type { Cluster, Node, Pod } from '../objects/model.ts';
import { protocolNumbers } from '../policy/verdict.ts';
import type { Flow } from '../policy/verdict.ts';
import type { Case, Expectation, ProbePort, Step } from './case.ts';
import { fits } from './expectation.ts';
import type { CellName } from './expectation.ts';
import { invalid } from './fields.ts';
import { portText } from './port.ts';
import type { World } from './world.ts';

export type End =
  | { readonly kind: 'pod'; readonly name: string; readonly pod: Pod }
  | { readonly kind: 'node'; readonly name: string; readonly node: Node }
  | { readonly kind: 'outside'; readonly name: string; readonly addresses: readonly Address[] };

export interface Cell {
  readonly from: End;
  readonly to: End;
  readonly port: ProbePort;
  readonly family: IpFamily;
  readonly flow: Flow;
  readonly expected: 'allowed' | 'denied';
}

/** Throws BulkheadError CONFORMANCE_CASE_INVALID for an expectation that no cell fits: it was misspelt. */
export function cellsOf(given: Case, step: Step, at: { world: World; cluster: Cluster }): readonly Cell[] {
  const ends = endsOf(given, at);
  const [primary] = at.world.families;
  const used = new Set<Expectation>();
  const cells: Cell[] = [];
  for (const from of ends) {
    for (const to of ends) {
      if (from.kind !== 'pod' && to.kind !== 'pod') continue;
      if (from === to && !given.loopback) continue;
      for (const family of at.world.families) {
        const [source, destination] = [addressOf(from, family), addressOf(to, family)];
        if (!source || !destination || (source.text === destination.text && from !== to)) continue;
        for (const port of given.probe) {
          const name = { from: from.name, to: to.name, port, family, primary: family === primary };
          const expected = expectedOf(step.expect, name, used);
          cells.push({ from, to, port, family, flow: flowOf(source, destination, port), expected });
        }
      }
    }
  }
  refuseUnused(given, step, { used, families: at.world.families });
  return cells;
}

/** `x/a → y/b 80/TCP IPv4` */
export function cellText({ from, to, port, family }: Cell): string {
  return `${from.name} → ${to.name} ${portText(port)} IPv${family}`;
}

export function addressOf(end: End, family: IpFamily): Address | undefined {
  return addressesOf(end).find((address) => address.family === family);
}

function addressesOf(end: End): readonly Address[] {
  switch (end.kind) {
    case 'pod':
      return end.pod.addresses;
    case 'node':
      return end.node.addresses;
    case 'outside':
      return end.addresses;
  }
}

function endsOf(given: Case, { world, cluster }: { world: World; cluster: Cluster }): readonly End[] {
  const pods = cluster.pods.values().filter(({ addresses }) => addresses.length > 0);
  return [
    ...pods.map((pod): End => ({ kind: 'pod', name: pod.key, pod })),
    ...given.points.map((name): End => {
      const node = cluster.nodes.get(name);
      if (node) return { kind: 'node', name, node };
      if (!world.isOutside(name)) throw invalid(given.id, `nobody is called ${name}`);
      return { kind: 'outside', name, addresses: world.outsideAddresses(name) };
    }),
  ];
}

/** Of the lines that fit the last one decides. */
function expectedOf(lines: readonly Expectation[], name: CellName, used: Set<Expectation>): Cell['expected'] {
  let allowed = true;
  for (const line of lines) {
    if (!fits(line, name)) continue;
    allowed = line.allow;
    used.add(line);
  }
  return allowed ? 'allowed' : 'denied';
}

function refuseUnused(
  given: Case,
  step: Step,
  { used, families }: { used: ReadonlySet<Expectation>; families: readonly IpFamily[] },
): void {
  const unused = step.expect.find(
    (line) =>
      !used.has(line) &&
      !(line.over === 'secondary' && families.length < 2) &&
      !isOtherFamily(line, families),
  );
  if (unused) throw invalid(given.id, `no cell fits the line: ${unused.text}`);
}

function isOtherFamily({ over }: Expectation, families: readonly IpFamily[]): boolean {
  return typeof over === 'number' && !families.includes(over);
}

function flowOf(source: Address, destination: Address, { protocol, port }: ProbePort): Flow {
  const number = protocol === 'ICMP' ? icmpNumbers[source.family] : protocolNumbers[protocol];
  return { source, destination, protocol: number, port };
}

const icmpNumbers = { 4: 1, 6: 58 } as const;
