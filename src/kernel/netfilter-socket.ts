/**
 * A netlink socket to netfilter in one network namespace. The kernel handles a request while it is being sent, so
 * every answer is there when the send returns, and nothing ever waits.
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, libc, SystemCallError } from './libc.ts';
import { host } from './netlink-attributes.ts';
import { inNetns } from './netns.ts';
import { receive, send } from './socket.ts';

const socket: (family: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const setsockopt: (fd: number, level: number, option: number, value: Uint8Array, size: number) => number =
  libc.func('int setsockopt(int, int, int, const void *, unsigned int)');

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_NO_ENOBUFS = 5;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x10;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

/** struct nlmsghdr and struct nfgenmsg. */
const nlmsghdrLength = 16;
const nfgenmsgLength = 4;

export interface NetlinkMessage {
  readonly type: number;
  readonly sequence: number;
  /** After struct nfgenmsg; shares the memory of the receive buffer, which the next message overwrites. */
  readonly attributes: Uint8Array;
}

/** What the kernel has against a request; `sequence` is that of the message it refused. */
export interface Refusal {
  readonly sequence: number;
  readonly errno: number;
}

export class NetfilterSocket {
  readonly #fd: number;
  /** The kernel's datagrams are at most 32 KiB. No Buffer: what is taken from it with `slice` must be a copy. */
  readonly #buffer = new Uint8Array(65_536);
  readonly #view = new DataView(this.#buffer.buffer);
  #sendBuffer = 0;

  constructor(netns: string) {
    this.#fd = inNetns(netns, () =>
      checked(
        'netlink socket',
        socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_NETFILTER),
      ),
    );
  }

  /** For what comes unasked: room for so many bytes, and no error when it was not enough. */
  acceptLosses(bytes: number): void {
    this.#option('SO_RCVBUFFORCE', [SOL_SOCKET, SO_RCVBUFFORCE, bytes]);
    this.#option('NETLINK_NO_ENOBUFS', [SOL_NETLINK, NETLINK_NO_ENOBUFS, 1]);
  }

  /** Sends messages and gives what the kernel refused; empty: it did them all. */
  request(messages: Uint8Array): Refusal[] {
    this.#send(messages);
    const refused: Refusal[] = [];
    const note = ({ sequence }: NetlinkMessage, errno: number): void => {
      if (errno > 0) refused.push({ sequence, errno });
    };
    // So many refusals that they found no room are refusals all the same.
    const overrun = (): void => {
      if (refused.length === 0) refused.push({ sequence: 0, errno: constants.errno.ENOBUFS });
    };
    while (this.#receive(note, overrun));
    return refused;
  }

  /**
   * Asks for a list. Undefined if what is asked for does not exist. Throws SystemCallError (EINTR when the list changed
   * on the way: ask again).
   */
  dump(messages: Uint8Array, onMessage: (message: NetlinkMessage) => void): boolean {
    this.#send(messages);
    let failed = 0;
    const each = (message: NetlinkMessage, errno: number, flags: number): void => {
      if (flags & NLM_F_DUMP_INTR) failed = constants.errno.EINTR;
      if (errno > 0) failed = errno;
      else if (message.type !== NLMSG_DONE && message.type !== NLMSG_ERROR) onMessage(message);
    };
    while (this.#receive(each));
    if (failed === constants.errno.ENOENT) return false;
    if (failed > 0) throw new SystemCallError('netlink dump', failed);
    return true;
  }

  /** Takes one datagram of what came unasked; gives how many messages it held, 0 if there is none. */
  take(onMessage: (message: NetlinkMessage) => void): number {
    let messages = 0;
    this.#receive((message) => {
      messages += 1;
      onMessage(message);
    });
    return messages;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #send(messages: Uint8Array): void {
    // Netlink takes a request as one datagram or not at all.
    if (messages.length + 4096 > this.#sendBuffer) {
      this.#sendBuffer = 2 * messages.length + 65_536;
      this.#option('SO_SNDBUFFORCE', [SOL_SOCKET, SO_SNDBUFFORCE, this.#sendBuffer]);
    }
    const sent = send(this.#fd, messages);
    if (sent < 0) throw new SystemCallError('netlink send', -sent);
  }

  #receive(
    onMessage: (message: NetlinkMessage, errno: number, flags: number) => void,
    onOverrun?: () => void,
  ): boolean {
    const size = receive(this.#fd, this.#buffer);
    if (size === -constants.errno.EAGAIN) return false;
    if (size === -constants.errno.ENOBUFS && onOverrun) {
      onOverrun();
      return true;
    }
    if (size < 0) throw new SystemCallError('netlink receive', -size);
    for (let at = 0; at + nlmsghdrLength <= size;) {
      const length = this.#view.getUint32(at, host);
      if (length < nlmsghdrLength) break;
      const type = this.#view.getUint16(at + 4, host);
      const errno =
        (type === NLMSG_ERROR || type === NLMSG_DONE) && length >= nlmsghdrLength + 4
          ? -this.#view.getInt32(at + nlmsghdrLength, host)
          : 0;
      const sequence = this.#view.getUint32(at + 8, host);
      const attributes = this.#buffer.subarray(at + nlmsghdrLength + nfgenmsgLength, at + length);
      onMessage({ type, sequence, attributes }, errno, this.#view.getUint16(at + 6, host));
      at += (length + 3) & ~3;
    }
    return true;
  }

  #option(name: string, [level, option, value]: readonly [number, number, number]): void {
    const encoded = new Uint8Array(Int32Array.of(value).buffer);
    checked(name, setsockopt(this.#fd, level, option, encoded, encoded.length));
  }
}
