/**
 * A node and three pods as network namespaces, routed as the lab and pure L3 CNIs do it, with the addresses of
 * guard-world.ts. Names hold the process id, so that runs at the same time don't meet.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { ensureBpffs } from '../../src/kernel/bpffs.ts';
import { unmountAll } from '../../src/kernel/mount.ts';
import { createNetns, deleteNetns, inNetns } from '../../src/kernel/netns.ts';
import { world } from './guard-world.ts';

export type PodName = 'client' | 'server' | 'open';
const podNames: readonly PodName[] = ['client', 'server', 'open'];

export const podInterfacePrefix = 'bhpod';

let made = 0;

export class TestNetwork {
  /** Lives for one network; where the datapath pins. */
  readonly bpffs: string;
  readonly #prefix: string;

  constructor() {
    made += 1;
    this.#prefix = `bhtest-${process.pid}-${made}`;
    this.bpffs = `/run/bulkhead-test/${this.#prefix}`;
    mkdirSync('/run/netns', { recursive: true });
    createNetns(this.node, () => {
      writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
      writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
      writeFileSync('/proc/sys/net/ipv6/conf/default/accept_dad', '0');
      // The programs, not the kernel's source checks, are what is tested here.
      writeFileSync('/proc/sys/net/ipv4/conf/all/rp_filter', '0');
      writeFileSync('/proc/sys/net/ipv4/conf/default/rp_filter', '0');
      ip(
        'link set lo up',
        `addr add ${world[4].node.text}/32 dev lo`,
        `addr add ${world[6].node.text}/128 dev lo nodad`,
      );
    });
    for (const name of podNames) this.#addPod(name);
    ensureBpffs(this.bpffs);
  }

  get node(): string {
    return `/run/netns/${this.#prefix}-node`;
  }

  pod(name: PodName): string {
    return `/run/netns/${this.#prefix}-${name}`;
  }

  get pinDir(): string {
    return `${this.bpffs}/node`;
  }

  /** The pod's interface is eth0; on the node it is bhpod and the pod's name. */
  #addPod(name: PodName): void {
    const netns = this.pod(name);
    const device = `${podInterfacePrefix}${name}`;
    createNetns(netns, () => {
      writeFileSync('/proc/sys/net/ipv6/conf/default/accept_dad', '0');
    });
    inNetns(this.node, () => {
      ip(
        `link add ${device} mtu 9000 address 02:00:00:00:00:01 type veth peer name eth0 mtu 9000 netns ${this.#prefix}-${name}`,
        `link set ${device} up`,
        `addr add 169.254.1.1/32 dev ${device}`,
        `addr add fe80::1/64 dev ${device} nodad`,
      );
    });
    inNetns(netns, () => {
      ip(
        'link set lo up',
        'link set eth0 up',
        `addr add ${world[4][name].text}/32 dev eth0`,
        `addr add ${world[6][name].text}/128 dev eth0 nodad`,
        'route add 169.254.1.1 dev eth0',
        'route add default via 169.254.1.1',
        'route add default via fe80::1 dev eth0',
      );
    });
    inNetns(this.node, () => {
      ip(`route add ${world[4][name].text} dev ${device}`, `route add ${world[6][name].text} dev ${device}`);
    });
  }

  remove(): void {
    for (const name of podNames) deleteNetns(this.pod(name));
    deleteNetns(this.node);
    unmountAll(this.bpffs);
    rmSync(this.bpffs, { recursive: true, force: true });
  }
}

/** Runs `ip` commands in the namespace that the thread is in. */
export function ip(...commands: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', ['-batch', '-'], {
    input: `${commands.join('\n')}\n`,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ip: ${stderr}`);
}
