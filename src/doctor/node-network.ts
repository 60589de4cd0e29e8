/** The node's interfaces and routes, as /proc and /sys of its network namespace show them. */
import { readdirSync, readFileSync } from 'node:fs';
import { cidrContains, makeCidr } from '../objects/ip.ts';
import type { Address, Cidr } from '../objects/ip.ts';

interface Route {
  readonly to: Cidr;
  readonly interface: string;
}

export interface NodeNetwork {
  readonly interfaces: readonly string[];
  readonly routes: readonly Route[];
  /** IPVS translates for some Service. */
  readonly ipvs: boolean;
}

export function readNodeNetwork(proc = '/proc/net', interfaces = '/sys/class/net'): NodeNetwork {
  return {
    interfaces: list(interfaces),
    routes: [
      ...lines(`${proc}/route`).slice(1).flatMap(readRoute4),
      ...lines(`${proc}/ipv6_route`).flatMap(readRoute6),
    ],
    ipvs: lines(`${proc}/ip_vs`).some((line) => /^(?:TCP|UDP|SCTP)\s/.test(line)),
  };
}

/** By which interface packets to the address leave; undefined: by none. */
export function interfaceTowards({ routes }: NodeNetwork, address: Address): string | undefined {
  const [best] = routes
    .filter(({ to }) => to.family === address.family && cidrContains(to, address))
    .toSorted((a, b) => b.to.prefixLength - a.to.prefixLength);
  return best?.interface;
}

/** `eth0 000200C0 00000000 0001 0 0 0 00FFFFFF …`: numbers in the order of the machine, which is little-endian. */
function readRoute4(line: string): Route[] {
  const [name, destination, , , , , , mask] = line.trim().split(/\s+/);
  if (name === undefined || destination === undefined || mask === undefined) return [];
  const bits = Buffer.from(destination, 'hex').reverse().toString('hex');
  const ones = BigInt(`0x${mask}`).toString(2).replaceAll('0', '').length;
  return [{ to: makeCidr(4, BigInt(`0x${bits}`), ones), interface: name }];
}

/** `fd00…5 80 0000…0 00 … eth0`: numbers in the order of the network. */
function readRoute6(line: string): Route[] {
  const fields = line.trim().split(/\s+/);
  const [destination, length, name] = [fields[0], fields[1], fields.at(-1)];
  // Unreachable by this one: the route of last resort.
  if (destination === undefined || length === undefined || name === undefined || name === 'lo') return [];
  return [{ to: makeCidr(6, BigInt(`0x${destination}`), Number.parseInt(length, 16)), interface: name }];
}

function lines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
