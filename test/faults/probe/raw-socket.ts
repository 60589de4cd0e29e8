/** Raw sockets (raw(7)) between two addresses: TCP segments and UDP datagrams from their own header on. */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, libc, SystemCallError } from '../../../src/kernel/libc.ts';
import { inNetns } from '../../../src/kernel/netns.ts';
import { beginConnect, bindSocket, openRawSocket, receive, send } from '../../../src/kernel/socket.ts';
import type { Ends } from '../../attacks/forge.ts';

const setsockopt: (
  ...call: [fd: number, level: number, option: number, value: Uint8Array, size: number]
) => number = libc.func('int setsockopt(int, int, int, const void *, unsigned int)');

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
/** Minutes of packets, for as long as nobody gets to read. */
const receiveBuffer = 64 << 20;

export class RawSocket {
  readonly #fd: number;
  readonly #family: 4 | 6;
  readonly #buffer = Buffer.alloc(65_536);

  /** At the source of `ends`, which sends to their destination and hears from it alone. */
  constructor(netns: string, protocol: number, { source, destination }: Ends) {
    this.#family = source.family;
    this.#fd = inNetns(netns, () => openRawSocket(protocol, source.family));
    const size = new Uint8Array(Int32Array.of(receiveBuffer).buffer);
    checked('SO_RCVBUFFORCE', setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, size, size.length));
    bindSocket(this.#fd, { address: source, port: 0 });
    const failed = beginConnect(this.#fd, { address: destination, port: 0 });
    if (failed !== 0) throw new SystemCallError(`connect to ${destination.text}`, failed);
  }

  /** Throws SystemCallError if the kernel does not take it. */
  send(payload: Uint8Array): void {
    // An ICMP error of before is told once, in place of sending.
    for (let tries = 1; ; tries++) {
      const sent = send(this.#fd, payload);
      if (sent >= 0) return;
      if (tries === 3) throw new SystemCallError('send', -sent);
    }
  }

  /** What has come from the peer, from the transport header on; valid during the call. */
  drain(onPayload: (payload: Buffer) => void): void {
    for (;;) {
      const length = receive(this.#fd, this.#buffer);
      if (length === -constants.errno.EAGAIN) return;
      // ICMP errors, told once each.
      if (length < 0) continue;
      const header = this.#family === 4 ? ((this.#buffer[0] ?? 0) & 15) * 4 : 0;
      onPayload(this.#buffer.subarray(header, length));
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
