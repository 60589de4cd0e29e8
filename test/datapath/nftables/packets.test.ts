/** Real packets through the kernel's own rules get what the oracle says: every address and port of generated clusters. */
import { writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Compiler } from '../../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../../src/compiler/delta.ts';
import { lookup } from '../../../src/compiler/lookup.ts';
import { nodeTables } from '../../../src/compiler/node-tables.ts';
import type { NodeTables } from '../../../src/compiler/tables.ts';
import type { Counters, Datapath } from '../../../src/datapath/datapath.ts';
import { openNftablesDatapath } from '../../../src/datapath/nftables/nftables-datapath.ts';
import { createNetns, deleteNetns, inNetns } from '../../../src/kernel/netns.ts';
import { loadNft } from '../../../src/kernel/nft.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Flow } from '../../../src/policy/verdict.ts';
import { arbitraryScenario } from '../../generate/scenario.ts';
import type { Scenario } from '../../generate/scenario.ts';
import { until } from '../conversation.ts';
import { isRoot } from '../kernel-tables.ts';
import { NodeView, nobody, notAsked, packetOf, unprogrammed } from '../node-view.ts';
import { sendRaw } from '../raw-packets.ts';
import { ip } from '../test-network.ts';

const [node, sender, world] = ['node', 'sender', 'world'].map((name) => `bhtest-${process.pid}-nft-${name}`);
const path = (name: string | undefined): string => `/run/netns/${name}`;

/** What sends has no address, so that nothing but our packets comes; all that passes goes out into a void. */
function makeNetwork(): void {
  createNetns(path(node), () => {
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
    for (const which of ['all', 'default']) writeFileSync(`/proc/sys/net/ipv4/conf/${which}/rp_filter`, '0');
  });
  for (const other of [sender, world]) createNetns(path(other));
  const silent = (device: string): string => `link set ${device} addrgenmode none`;
  inNetns(path(node), () => {
    ip(
      `link add in address 02:00:00:00:00:01 type veth peer name eth0 netns ${sender}`,
      `link add out address 02:00:00:00:00:03 type veth peer name eth0 netns ${world}`,
      silent('in'),
      silent('out'),
      'link set lo up',
      'link set in up',
      'link set out up',
    );
  });
  for (const other of [sender, world]) inNetns(path(other), () => ip(silent('eth0'), 'link set eth0 up'));
  inNetns(path(node), () => {
    ip(
      'neigh add 169.254.9.9 lladdr 02:00:00:00:00:04 dev out',
      'neigh add fe80::9 lladdr 02:00:00:00:00:04 dev out',
      'route add default via 169.254.9.9 dev out onlink',
      'route add ::/0 via fe80::9 dev out',
    );
  });
  // A packet is nobody's reply: each is judged for itself.
  loadNft(
    path(node),
    'table inet untracked { chain every { type filter hook prerouting priority raw; notrack; }; }',
  );
}

/** Number of packets that were judged. */
function total({ reasons }: Counters): bigint {
  return Object.values(reasons).reduce(
    (sum, { allowed, denied }) => sum + allowed.packets + denied.packets,
    0n,
  );
}

/** What the counters have grown by, as text: `denied rule`, `rule 7`. */
function grown(before: Counters, after: Counters): string[] {
  const was = textsOf(before);
  return textsOf(after).flatMap(({ text, packets }) => {
    const more = packets - (was.find((one) => one.text === text)?.packets ?? 0n);
    return Array.from({ length: Number(more) }, () => text);
  });
}

/** Reasons, then rules by number, in whatever order the counters come. */
function textsOf({ reasons, rules }: Counters): { text: string; packets: bigint }[] {
  const byReason = Object.entries(reasons).flatMap(([reason, { allowed, denied }]) => [
    { text: `allowed ${reason}`, packets: allowed.packets },
    { text: `denied ${reason}`, packets: denied.packets },
  ]);
  const byRule = [...rules]
    .toSorted(([a], [b]) => a - b)
    .map(([rule, { packets }]) => ({ text: `rule ${rule}`, packets }));
  return [...byReason, ...byRule];
}

describe.skipIf(!isRoot)('[root] real packets and the oracle', () => {
  const compiler = new Compiler();
  let datapath: Datapath | undefined;
  let held: NodeTables = emptyTables;
  let judged = 0;

  beforeAll(() => {
    makeNetwork();
  });
  afterAll(() => {
    datapath?.close();
    for (const one of [sender, world, node]) deleteNetns(path(one));
  });

  const sent = async (flow: Flow, by: Datapath): Promise<string[]> => {
    const before = by.counters();
    sendRaw({ netns: path(sender), packet: packetOf(flow) });
    await until(() => total(by.counters()) > total(before));
    return grown(before, by.counters());
  };

  const compare = async ({ cluster, policies, flows }: Scenario, by: Datapath): Promise<void> => {
    const program = compiler.compile(cluster, policies);
    for (const one of cluster.nodes.values()) {
      const next = nodeTables(program, one.name, one.podCIDRs);
      by.apply(computeDelta(held, next));
      held = next;
      const view = new NodeView({ cluster, program, node: one });
      for (const flow of flows) {
        if (view.isThisNode(flow.source) || flow.source.text === flow.destination.text) continue;
        const oracle = evaluate(cluster, policies, flow);
        const given = view.expected(flow.source, oracle.egress);
        const ingress = view.expected(flow.destination, oracle.ingress);
        const egress = ingress === unprogrammed && given !== unprogrammed ? notAsked : given;
        const compiled = lookup(program, flow);
        const decisive = !egress.allowed || ingress === nobody ? egress : ingress;
        expect(await sent(flow, by)).toEqual([
          `${egress.allowed && ingress.allowed ? 'allowed' : 'denied'} ${decisive.reason}`,
          ...[
            ...(egress.reason === 'rule' ? [compiled.egress.rule] : []),
            ...(egress.allowed && ingress.reason === 'rule' ? [compiled.ingress.rule] : []),
          ]
            .sort((a, b) => a - b)
            .map((rule) => `rule ${rule}`),
        ]);
        judged += 1;
      }
    }
  };

  test('generated clusters', { timeout: 60_000 }, async () => {
    const by = openNftablesDatapath({ netns: path(node) });
    datapath = by;
    const property = fc.asyncProperty(arbitraryScenario, (scenario) => compare(scenario, by));
    await fc.assert(property, { numRuns: 10 });
    expect(judged).toBeGreaterThan(200);
  });
});
