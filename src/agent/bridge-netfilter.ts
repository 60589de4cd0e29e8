/**
 * Packets between two pods on one bridge pass the FORWARD hook only where br_netfilter hands them to the IP layer.
 * Without it no engine at that hook sees them, and policies between such pods would not be enforced.
 */
import { readFileSync } from 'node:fs';
import { failure } from '../errors.ts';
import type { Diagnostic } from '../errors.ts';
import type { IpFamily } from '../objects/ip.ts';

const settings: Readonly<Record<IpFamily, string>> = {
  4: 'bridge-nf-call-iptables',
  6: 'bridge-nf-call-ip6tables',
};

/** Undefined: same-node traffic on a bridge is seen. `directory` is /proc/sys/net/bridge of the node's namespace. */
export function bridgeObstacle(
  bridge: string,
  families: readonly IpFamily[],
  directory = '/proc/sys/net/bridge',
): Diagnostic | undefined {
  const off = families
    .filter((family) => !isOn(`${directory}/${settings[family]}`))
    .map((family) => settings[family]);
  if (off.length === 0) return undefined;
  const commands = off.map((name) => `sysctl -w net.bridge.${name}=1`).join(' && ');
  return failure(
    'CNI_BRIDGE_UNSEEN',
    `pods share the bridge ${bridge}, and ${off.join(' and ')} is off: packets between pods of this node pass no policy`,
    { hint: `On the node: modprobe br_netfilter && ${commands}` },
  );
}

function isOn(file: string): boolean {
  try {
    return readFileSync(file, 'utf8').trim() === '1';
  } catch {
    return false;
  }
}
