/** A stream on one TCP connection, a message every millisecond and an echo of each. What is lost, TCP sends again. */
import { closeSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { checked, libc } from '../../../src/kernel/libc.ts';
import { inNetns } from '../../../src/kernel/netns.ts';
import { receive, send, tcpConnect, tcpListener } from '../../../src/kernel/socket.ts';
import { addressOf } from './packet-flow.ts';
import type { Stream, Tally } from './stream.ts';

const accept4: (fd: number, address: null, length: null, flags: number) => number = libc.func(
  'int accept4(int, void *, void *, int)',
);
const getsockopt: (
  ...call: [fd: number, level: number, option: number, value: Uint8Array, size: Uint8Array]
) => number = libc.func('int getsockopt(int, int, int, void *, void *)');

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** In struct tcp_info. */
const totalRetransmissions = 100;

const message = Buffer.from('message\n');

export class TcpFlow {
  readonly #near: number;
  readonly #far: number;
  readonly #buffer = Buffer.alloc(65_536);
  readonly #info = Buffer.alloc(256);
  #sent = 0;
  #arrivedBytes = 0;
  #marked = { sent: 0, arrivedBytes: 0, near: 0, far: 0 };

  private constructor(near: number, far: number) {
    this.#near = near;
    this.#far = far;
  }

  /** Connects first. */
  static async open({ from, to, port }: Stream): Promise<TcpFlow> {
    const { netns } = to;
    if (netns === undefined) throw new Error('a connection has two ends');
    // A probe for the tail (RFC 8985) is sent again without having been lost.
    for (const path of [from.netns, netns])
      inNetns(path, () => writeFileSync('/proc/sys/net/ipv4/tcp_early_retrans', '0'));
    const listener = tcpListener(netns, addressOf(to.address), port);
    const near = tcpConnect(from.netns, { address: addressOf(to.address), port });
    for (let tries = 0; tries < 2000; tries++) {
      const far = accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (far >= 0) {
        closeSync(listener);
        return new TcpFlow(near, far);
      }
      await sleep(5);
    }
    throw new Error(`no connection from ${from.address} to ${to.address} port ${port}`);
  }

  send(): void {
    // Where nothing gets through the kernel takes no more at some time.
    send(this.#near, message);
    this.#sent += 1;
  }

  receive(): void {
    for (let length; (length = receive(this.#far, this.#buffer)) > 0;) {
      this.#arrivedBytes += length;
      send(this.#far, this.#buffer.subarray(0, length));
    }
    while (receive(this.#near, this.#buffer) > 0);
  }

  mark(): void {
    this.#marked = {
      sent: this.#sent,
      arrivedBytes: this.#arrivedBytes,
      near: this.#retransmissions(this.#near),
      far: this.#retransmissions(this.#far),
    };
  }

  tally(): Tally {
    const { sent, arrivedBytes, near, far } = this.#marked;
    return {
      sent: this.#sent - sent,
      arrived: Math.ceil((this.#arrivedBytes - arrivedBytes) / message.length),
      lost: this.#retransmissions(this.#near) - near,
      unanswered: this.#retransmissions(this.#far) - far,
    };
  }

  get sent(): number {
    return this.#sent;
  }

  #retransmissions(fd: number): number {
    const size = Buffer.from([this.#info.length, 0, 0, 0]);
    size.writeUInt32LE(this.#info.length);
    checked('TCP_INFO', getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#info, size));
    return this.#info.readUInt32LE(totalRetransmissions);
  }
}
