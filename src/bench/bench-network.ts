/** A node between two pods, as network namespaces, for measuring what a packet costs on its way through the node. */
import { closeSync, mkdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { libc } from '../kernel/libc.ts';
import { createNetns, deleteNetns, inNetns } from '../kernel/netns.ts';
import {
  beginConnect,
  bindSocket,
  openSocket,
  receive,
  resetOnClose,
  send,
  tcpListener,
  udpSocket,
} from '../kernel/socket.ts';
import type { Address } from '../objects/ip.ts';

const accept: (fd: number, address: null, size: null, flags: number) => number = libc.func(
  'int accept4(int, void *, void *, int)',
);
const clockGettime: (clock: number, time: Uint8Array) => number = libc.func('int clock_gettime(int, void *)');
const SOCK_NONBLOCK = 0o4000;
/** CPU time of this thread, in which the kernel also takes our packets through all three namespaces. */
const CLOCK_THREAD_CPUTIME_ID = 3;

export interface Ends {
  readonly client: Address;
  readonly server: Address;
  readonly port: number;
}

export class BenchNetwork {
  readonly #name: string;
  readonly #ends: Ends;
  readonly #listener: number;
  readonly #receiver: number;
  readonly #sender: number;
  readonly #buffer = Buffer.alloc(64);
  readonly #clock = Buffer.alloc(16);

  /** `name` must be no other namespace's; addresses are IPv4. */
  constructor(name: string, ends: Ends) {
    this.#name = name;
    this.#ends = ends;
    mkdirSync('/run/netns', { recursive: true });
    createNetns(this.node, () => {
      writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
      for (const which of ['all', 'default'])
        writeFileSync(`/proc/sys/net/ipv4/conf/${which}/rp_filter`, '0');
      ip('link set lo up');
    });
    this.#addPod('client', ends.client);
    this.#addPod('server', ends.server);
    this.#listener = tcpListener(this.#pod('server'), undefined, ends.port);
    this.#receiver = udpSocket(this.#pod('server'), undefined, ends.port);
    this.#sender = this.#connectDatagrams();
  }

  get node(): string {
    return `/run/netns/${this.#name}-node`;
  }

  /** Opens, accepts and resets connections; gives nanoseconds of CPU time for each. Throws if one does not come about. */
  connections(count: number): number {
    const { server: address, port } = this.#ends;
    const started = this.#cpuTime();
    inNetns(this.#pod('client'), () => {
      for (let done = 0; done < count; done++) {
        const client = openSocket('TCP', 4);
        resetOnClose(client);
        beginConnect(client, { address, port });
        const served = this.#eventually(() => accept(this.#listener, null, null, SOCK_NONBLOCK));
        closeSync(client);
        closeSync(served);
      }
    });
    return (this.#cpuTime() - started) / count;
  }

  /** Sends datagrams one after the other, which nobody answers; nanoseconds of CPU time for each that arrives. */
  datagrams(count: number): number {
    const started = this.#cpuTime();
    for (let done = 0; done < count; done++) {
      send(this.#sender, datagram);
      this.#eventually(() => receive(this.#receiver, this.#buffer));
    }
    return (this.#cpuTime() - started) / count;
  }

  remove(): void {
    for (const fd of [this.#listener, this.#receiver, this.#sender]) closeSync(fd);
    for (const path of [this.#pod('client'), this.#pod('server'), this.node]) deleteNetns(path);
  }

  #pod(name: string): string {
    return `/run/netns/${this.#name}-${name}`;
  }

  #addPod(name: 'client' | 'server', address: Address): void {
    const device = `veth${name}`;
    createNetns(this.#pod(name));
    inNetns(this.node, () => {
      ip(
        `link add ${device} type veth peer name eth0 netns ${this.#name}-${name}`,
        `link set ${device} up`,
        `addr add 169.254.1.1/32 dev ${device}`,
      );
    });
    inNetns(this.#pod(name), () => {
      ip(
        'link set eth0 up',
        `addr add ${address.text}/32 dev eth0`,
        'route add 169.254.1.1 dev eth0',
        'route add default via 169.254.1.1',
      );
    });
    inNetns(this.node, () => {
      ip(`route add ${address.text} dev ${device}`);
    });
  }

  #connectDatagrams(): number {
    return inNetns(this.#pod('client'), () => {
      const fd = openSocket('UDP', 4);
      bindSocket(fd, { address: this.#ends.client, port: 40_000 });
      beginConnect(fd, { address: this.#ends.server, port: this.#ends.port });
      return fd;
    });
  }

  /** The kernel delivers while it sends, or a moment later on another processor. */
  #eventually(attempt: () => number): number {
    const deadline = performance.now() + 2000;
    for (;;) {
      const result = attempt();
      if (result >= 0) return result;
      if (performance.now() > deadline) throw new Error(`nothing arrives through ${this.#name}`);
    }
  }

  #cpuTime(): number {
    clockGettime(CLOCK_THREAD_CPUTIME_ID, this.#clock);
    return Number(this.#clock.readBigInt64LE(0)) * 1e9 + Number(this.#clock.readBigInt64LE(8));
  }
}

const datagram = Buffer.from('x');

function ip(...commands: readonly string[]): void {
  const input = `${commands.join('\n')}\n`;
  const { status, stderr } = spawnSync('ip', ['-batch', '-'], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip: ${stderr}`);
}
