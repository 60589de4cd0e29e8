/**
 * What no pod has any business sending, whatever its policies say, stopped before conntrack sees it: a forged packet
 * must not even open a flow, whose replies would then pass. Rules for nft, the same under every engine.
 *
 * Whose an address is, the node's routes tell: a packet whose way back is another interface than the one it came in by
 * is forged (RFC 3704 §2.2). Unlike the kernel's rp_filter that works for IPv6 too and depends on no setting.
 */

export const guardTable = 'inet bulkhead-guard';

/** A script that makes the guard, or replaces it without a gap. */
export function guardRules(podInterfacePrefix: string | undefined): string {
  return `${withoutGuard}
table ${guardTable} {
  counter spoofed { }
  counter loopback { }
  counter source-routed { }
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    # CVE-2020-8558: with route_localnet, which kube-proxy may set, a pod would reach what the node keeps to itself.
    iifname != "lo" ip daddr 127.0.0.0/8 counter name "loopback" drop
    # Where accept_source_route is on, such a packet has another destination than it seems to have when it is judged.
    ip option lsrr exists counter name "source-routed" drop
    ip option ssrr exists counter name "source-routed" drop
${podInterfacePrefix === undefined ? '' : ownSourcesOnly(podInterfacePrefix)}  }
}`;
}

/** A script that takes the guard away; harmless where there is none. */
export const withoutGuard = `add table ${guardTable}
delete table ${guardTable}`;

function ownSourcesOnly(prefix: string): string {
  if (!/^[\w.-]+$/.test(prefix))
    throw new Error(`${JSON.stringify(prefix)} can't begin the name of an interface`);
  return `    # Before it has an address, a host asks whether anybody else has it (RFC 4862).
    iifname "${prefix}*" ip6 saddr :: ip6 daddr ff02::/16 accept
    iifname "${prefix}*" fib saddr . iif oif missing counter name "spoofed" drop
`;
}
