/** Kernel settings of a lab's namespaces, all per namespace. Values that a host may have changed are set, not assumed. */
import { existsSync, writeFileSync } from 'node:fs';
import type { Place } from './topology.ts';

/** Before the first link is made: `default` is what new links begin with. Keys are paths below /proc/sys/net. */
const common: Readonly<Record<string, string>> = {
  'ipv4/conf/all/rp_filter': '0',
  'ipv4/conf/default/rp_filter': '0',
  'ipv4/conf/all/accept_redirects': '0',
  'ipv4/conf/default/accept_redirects': '0',
  // The limits would turn some refusals into silence when thousands are probed at once.
  'ipv4/icmp_ratelimit': '0',
  'ipv4/icmp_msgs_per_sec': '1000000',
  'ipv4/icmp_msgs_burst': '1000000',
  'ipv6/icmp/ratelimit': '0',
  'ipv6/conf/all/disable_ipv6': '0',
  'ipv6/conf/default/disable_ipv6': '0',
  'ipv6/conf/all/accept_ra': '0',
  'ipv6/conf/default/accept_ra': '0',
  'ipv6/conf/default/accept_redirects': '0',
  // Duplicate address detection would hold every address back for a second.
  'ipv6/conf/all/accept_dad': '0',
  'ipv6/conf/default/accept_dad': '0',
};

/** ip_forward comes first: changing it resets other settings to those of a router (ip-sysctl.rst). */
const router: Readonly<Record<string, string>> = {
  'ipv4/ip_forward': '1',
  'ipv6/conf/all/forwarding': '1',
  'ipv6/conf/default/forwarding': '1',
  'ipv4/conf/all/send_redirects': '0',
  'ipv4/conf/default/send_redirects': '0',
  'ipv4/conf/default/proxy_arp': '1',
};

/**
 * Applies them to the namespace that the thread is in: call inside inNetns or createNetns. Settings that this kernel
 * doesn't have, or has only for the whole machine (icmp_msgs_* before 6.13), are left out.
 */
export function applySysctls(role: Place['role']): void {
  const settings = role === 'pod' ? common : { ...router, ...common };
  for (const [key, value] of Object.entries(settings)) {
    const path = `/proc/sys/net/${key}`;
    if (existsSync(path)) writeFileSync(path, value);
  }
}
