/**
 * Sockets inside a given network namespace. A socket belongs for ever to the namespace in which it was made; who
 * uses its descriptor later may be anywhere. All are non-blocking and closed on exec, as Node.js wants them.
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Address } from '../objects/ip.ts';
import { checked, errno, libc, SystemCallError } from './libc.ts';
import { inNetns } from './netns.ts';

const socket: (family: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const bind: (fd: number, address: Uint8Array, size: number) => number = libc.func(
  'int bind(int, const void *, unsigned int)',
);
const listen: (fd: number, backlog: number) => number = libc.func('int listen(int, int)');
const connect: (fd: number, address: Uint8Array, size: number) => number = libc.func(
  'int connect(int, const void *, unsigned int)',
);
const rawSend: (fd: number, data: Uint8Array, size: number, flags: number) => number = libc.func(
  'long send(int, const void *, unsigned long, int)',
);
const rawReceive: (fd: number, data: Uint8Array, size: number, flags: number) => number = libc.func(
  'long recv(int, void *, unsigned long, int)',
);
const setsockopt: (fd: number, level: number, option: number, value: Uint8Array, size: number) => number =
  libc.func('int setsockopt(int, int, int, const void *, unsigned int)');
const getsockopt: (fd: number, level: number, option: number, value: Uint8Array, size: Uint8Array) => number =
  libc.func('int getsockopt(int, int, int, void *, void *)');

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_LINGER = 13;
const IPPROTO_IP = 0;
const IP_RECVERR = 11;
const IPPROTO_IPV6 = 41;
const IPV6_RECVERR = 25;
const IPV6_V6ONLY = 26;

/** IANA numbers, which are also those of socket(2). */
const protocols = { TCP: 6, UDP: 17, SCTP: 132 } as const;

/** The kernel cuts it to net.core.somaxconn. */
const longestBacklog = 65_535;

/** All addresses of both families. */
const anyAddress: Address = { family: 6, bits: 0n, text: '::' };

/**
 * A listening TCP socket, for `server.listen({ fd })`. Without an address it takes connections of both families to
 * all addresses of the namespace. Throws SystemCallError (EADDRINUSE, EADDRNOTAVAIL …).
 */
export function tcpListener(netns: string, address: Address | undefined, port: number): number {
  return boundSocket(netns, 'TCP', { address: address ?? anyAddress, port }, (fd) => {
    checked(`listen on ${address?.text ?? '*'}:${port}`, listen(fd, longestBacklog));
  });
}

/** A bound UDP socket, for `socket.bind({ fd })`. Without an address: of both families, all addresses. */
export function udpSocket(netns: string, address: Address | undefined, port: number): number {
  return boundSocket(netns, 'UDP', { address: address ?? anyAddress, port }, () => undefined);
}

function boundSocket(
  netns: string,
  protocol: 'TCP' | 'UDP',
  at: SocketAddress,
  finish: (fd: number) => void,
): number {
  return inNetns(netns, () => {
    const fd = openSocket(protocol, at.address.family);
    try {
      // On UDP it would let two sockets have the same port.
      if (protocol === 'TCP') setOption('SO_REUSEADDR', fd, [SOL_SOCKET, SO_REUSEADDR, 1]);
      if (at.address === anyAddress) setOption('IPV6_V6ONLY', fd, [IPPROTO_IPV6, IPV6_V6ONLY, 0]);
      bindSocket(fd, at);
      finish(fd);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  });
}

export interface SocketAddress {
  readonly address: Address;
  readonly port: number;
}

/** A socket of the namespace that the thread is in. Throws EPROTONOSUPPORT where the kernel lacks the protocol. */
export function openSocket(protocol: keyof typeof protocols, family: 4 | 6): number {
  const type = protocol === 'UDP' ? SOCK_DGRAM : SOCK_STREAM;
  const domain = family === 4 ? AF_INET : AF_INET6;
  return checked(
    `socket for ${protocol} over IPv${family}`,
    socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocols[protocol]),
  );
}

/**
 * A raw socket (raw(7)) of the namespace that the thread is in, for an IANA protocol number: sends that protocol's
 * packets from their own header on, and sees a copy of each that arrives (with the IP header in IPv4, without in IPv6).
 */
export function openRawSocket(protocol: number, family: 4 | 6): number {
  const domain = family === 4 ? AF_INET : AF_INET6;
  return checked(
    `raw socket for protocol ${protocol} over IPv${family}`,
    socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol),
  );
}

export function bindSocket(fd: number, { address, port }: SocketAddress): void {
  const encoded = sockaddr(address, port);
  checked(`bind to ${address.text} port ${port}`, bind(fd, encoded, encoded.length));
}

/** Begins to connect. 0: done or under way (wait until it is writable, then ask socketError); else the errno. */
export function beginConnect(fd: number, { address, port }: SocketAddress): number {
  const encoded = sockaddr(address, port);
  if (connect(fd, encoded, encoded.length) === 0) return 0;
  const failed = errno();
  return failed === constants.errno.EINPROGRESS ? 0 : failed;
}

/**
 * A TCP connection under way from a namespace, for `new net.Socket({ fd })`. Throws SystemCallError if it fails at once
 * (ENETUNREACH …).
 */
export function tcpConnect(netns: string, destination: SocketAddress): number {
  return inNetns(netns, () => {
    const fd = openSocket('TCP', destination.address.family);
    const failed = beginConnect(fd, destination);
    if (failed === 0) return fd;
    closeSync(fd);
    throw new SystemCallError(`connect to ${destination.address.text} port ${destination.port}`, failed);
  });
}

/** The pending error of a socket, taken away by asking; 0: none. */
export function socketError(fd: number): number {
  checked('SO_ERROR', getsockopt(fd, SOL_SOCKET, SO_ERROR, optionValue, optionSize));
  return optionValue.readInt32LE();
}

/** On a connected socket: bytes sent, or -errno. */
export function send(fd: number, data: Uint8Array): number {
  const sent = rawSend(fd, data, data.length, MSG_NOSIGNAL);
  return sent < 0 ? -errno() : sent;
}

/** Bytes received into the buffer, 0 at the end of a stream, or -errno. */
export function receive(fd: number, buffer: Uint8Array): number {
  const received = rawReceive(fd, buffer, buffer.length, 0);
  return received < 0 ? -errno() : received;
}

/** Lets a connected UDP socket learn of every ICMP error, not only of refusals. */
export function reportIcmpErrors(fd: number, family: 4 | 6): void {
  setOption('IP_RECVERR', fd, family === 4 ? [IPPROTO_IP, IP_RECVERR, 1] : [IPPROTO_IPV6, IPV6_RECVERR, 1]);
}

/** Closing ends a stream with a reset instead of leaving it in TIME_WAIT. */
export function resetOnClose(fd: number): void {
  // struct linger: on, for no second.
  setOption('SO_LINGER', fd, [SOL_SOCKET, SO_LINGER, 1, 0]);
}

const optionValue = Buffer.alloc(4);
const optionSize = Buffer.from([4, 0, 0, 0]);

type Option = readonly [level: number, option: number, ...values: number[]];

function setOption(name: string, fd: number, [level, option, ...values]: Option): void {
  const encoded = new Uint8Array(Int32Array.from(values).buffer);
  checked(name, setsockopt(fd, level, option, encoded, encoded.length));
}

/** struct sockaddr_in, sockaddr_in6: family in host order, all else in network order. */
function sockaddr({ family, bits }: Address, port: number): Uint8Array {
  if (family === 4) {
    const encoded = Buffer.alloc(16);
    encoded.writeUInt16LE(AF_INET, 0);
    encoded.writeUInt16BE(port, 2);
    encoded.writeUInt32BE(Number(bits), 4);
    return encoded;
  }
  const encoded = Buffer.alloc(28);
  encoded.writeUInt16LE(AF_INET6, 0);
  encoded.writeUInt16BE(port, 2);
  encoded.writeBigUInt64BE(bits >> 64n, 8);
  encoded.writeBigUInt64BE(bits & 0xffff_ffff_ffff_ffffn, 16);
  return encoded;
}
