/**
 * Other policy engines on this node. Two may run side by side, and a packet then needs both verdicts; but an engine that
 * nobody maintains any more goes on denying, and one that accepts early keeps packets from nobody: each judges for itself.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Finding } from './finding.ts';

interface Engine {
  readonly name: string;
  /** A chain that it makes, as `table chain`. */
  readonly chain?: RegExp;
  /** An interface that it makes, where it enforces with what nft does not show. */
  readonly interface?: RegExp;
  readonly advice: string;
}

const engines: readonly Engine[] = [
  {
    name: 'kube-router',
    chain: / KUBE-(?:ROUTER-(?:INPUT|FORWARD|OUTPUT)|NWPLCY-|POD-FW-)/,
    advice: 'docs/from-kube-router.md walks the way from one to the other without a gap.',
  },
  {
    name: 'Calico',
    chain: / cali-(?:FORWARD|INPUT|tw-|fw-)|^\w+ calico /,
    advice: 'Its policies count beside Bulkhead’s. Take them out, or leave NetworkPolicy to Calico.',
  },
  {
    name: 'Cilium',
    interface: /^cilium_/,
    advice: 'Set policyEnforcementMode=never there, or leave NetworkPolicy to Cilium.',
  },
  {
    name: 'Weave NPC',
    chain: / WEAVE-NPC/,
    advice: 'Start Weave with EXPECT_NPC=0.',
  },
  {
    name: 'Antrea',
    interface: /^antrea-gw0$/,
    advice: 'Turn its AntreaPolicy and NetworkPolicy off, or leave NetworkPolicy to Antrea.',
  },
  {
    name: 'OVN-Kubernetes',
    interface: /^ovn-k8s-mp/,
    advice: 'Leave NetworkPolicy to it: pods’ packets do not pass the node’s hooks.',
  },
  {
    name: 'kube-network-policies',
    chain: /^\w+ (?:kube-network-policies|kindnet-network-policies) /,
    advice: 'Take its DaemonSet and its nftables table away.',
  },
];

export function checkConflicts(interfaces: readonly string[], chains = readChains()): readonly Finding[] {
  const check = 'other engines';
  if (chains === undefined)
    return [
      { check, state: 'unknown', result: 'nft can’t list chains here', advice: 'Run it as root, with nft.' },
    ];
  const found = engines.filter(
    ({ chain, interface: made }) =>
      (chain && chains.some((one) => chain.test(one))) || (made && interfaces.some((one) => made.test(one))),
  );
  const conflicts = found.map(({ name, advice }): Finding => ({
    check,
    state: 'warning',
    result: `${name} is on this node: packets need its verdict, too`,
    advice,
  }));
  if (conflicts.length > 0) return conflicts;
  const legacy = legacyTables();
  if (legacy.length === 0) return [{ check, state: 'ok', result: 'none' }];
  return [
    {
      check,
      state: 'unknown',
      result: `none in nftables; legacy iptables tables are in use (${legacy.join(', ')})`,
      advice: 'On the node: iptables-legacy-save shows what is in them.',
    },
  ];
}

/** `family table chain`; undefined: nft can't. Programs that came as iptables are shown, too, unless they are legacy. */
function readChains(): readonly string[] | undefined {
  const { status, stdout } = spawnSync('nft', ['list', 'chains'], { encoding: 'utf8' });
  return status === 0 ? chainsIn(stdout) : undefined;
}

export function chainsIn(text: string): readonly string[] {
  let table = '';
  return text.split('\n').flatMap((line) => {
    const [, kind, name] = /^\s*(table|chain) (.*) \{/.exec(line) ?? [];
    if (kind === 'table') table = name ?? '';
    return kind === 'chain' ? [`${table} ${name}`] : [];
  });
}

function legacyTables(): readonly string[] {
  return ['ip', 'ip6'].flatMap((family) => {
    try {
      const names = readFileSync(`/proc/net/${family}_tables_names`, 'utf8').trim();
      return names === '' ? [] : names.split('\n').map((name) => `${family} ${name}`);
    } catch {
      return [];
    }
  });
}
