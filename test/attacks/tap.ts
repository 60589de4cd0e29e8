/** A packet socket (packet(7)) on an interface: sends any bytes as a packet, and sees every packet that comes in. */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, libc } from '../../src/kernel/libc.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import { receive } from '../../src/kernel/socket.ts';
import { addressBytes } from '../../src/objects/ip.ts';
import type { Address } from '../../src/objects/ip.ts';

const socket: (family: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const bind: (fd: number, address: Uint8Array, size: number) => number = libc.func(
  'int bind(int, const void *, unsigned int)',
);
const setsockopt: (
  ...call: [fd: number, level: number, option: number, value: Uint8Array, size: number]
) => number = libc.func('int setsockopt(int, int, int, const void *, unsigned int)');
const sendto: (
  ...call: [fd: number, data: Uint8Array, size: number, flags: number, to: Uint8Array, toSize: number]
) => number = libc.func('long sendto(int, const void *, size_t, int, const void *, unsigned int)');
const getsockopt: (
  ...call: [fd: number, level: number, option: number, value: Uint8Array, size: Uint8Array]
) => number = libc.func('int getsockopt(int, int, int, void *, void *)');
const interfaceIndex: (name: string) => number = libc.func('unsigned int if_nametoindex(const char *)');

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ALL = 3;
const ETH_P_IP = 0x0800;
const ETH_P_ARP = 0x0806;
const ETH_P_IPV6 = 0x86dd;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const PACKET_IGNORE_OUTGOING = 23;

/** What a flood may leave behind until somebody looks. */
const receiveBuffer = 64 << 20;

/** Hardware addresses of the two ends of every link of a lab (src/lab/network/ip-commands.ts). */
const routerMac = [0xee, 0xee, 0xee, 0xee, 0xee, 0xee];
const hostMac = [0xee, 0xee, 0xee, 0xee, 0xee, 0x01];

export class Tap {
  readonly #fd: number;
  readonly #index: number;
  readonly #buffer = Buffer.alloc(65_536);

  readonly #peer: readonly number[];

  /** On the host's end of a link (eth0) of the namespace at path `netns`, or on the router's, which is `device`. */
  constructor(netns: string, device = 'eth0') {
    this.#peer = device === 'eth0' ? routerMac : hostMac;
    [this.#fd, this.#index] = inNetns(netns, () => {
      const fd = checked('packet socket', socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      const index = interfaceIndex(device);
      option(fd, [SOL_PACKET, PACKET_IGNORE_OUTGOING], 1);
      option(fd, [SOL_SOCKET, SO_RCVBUFFORCE], receiveBuffer);
      const everything = linkAddress(index, ETH_P_ALL, []);
      checked(`bind to ${device}`, bind(fd, everything, everything.length));
      return [fd, index];
    });
  }

  /** `packet` begins with the IP header; it goes to the other end of the link. */
  send(packet: Uint8Array): void {
    const to = linkAddress(this.#index, (packet[0] ?? 0) >> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP, this.#peer);
    checked('send', sendto(this.#fd, packet, packet.length, 0, to, to.length));
  }

  /** An unasked ARP reply (RFC 826): the address is here. */
  sendArp(claimed: Address): void {
    const claim = addressBytes(claimed);
    const reply = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 2, ...hostMac, ...claim, ...routerMac, ...claim);
    const to = linkAddress(this.#index, ETH_P_ARP, routerMac);
    checked('send', sendto(this.#fd, reply, reply.length, 0, to, to.length));
  }

  /** What has come in since the last call, each from the IP header on. */
  arrived(): Buffer[] {
    const packets: Buffer[] = [];
    for (;;) {
      const length = receive(this.#fd, this.#buffer);
      // Said once, when the link goes away; what came before is still there.
      if (length === -constants.errno.ENETDOWN) continue;
      if (length < 0) return packets;
      packets.push(Buffer.from(this.#buffer.subarray(0, length)));
    }
  }

  /** Packets that came in and found no room, since the last call: they are not among those that arrived. */
  missed(): number {
    const statistics = Buffer.alloc(8);
    checked(
      'PACKET_STATISTICS',
      getsockopt(this.#fd, SOL_PACKET, PACKET_STATISTICS, statistics, Buffer.from([8, 0, 0, 0])),
    );
    return statistics.readUInt32LE(4);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function option(fd: number, [level, name]: readonly [number, number], value: number): void {
  const encoded = new Uint8Array(Int32Array.of(value).buffer);
  checked(`socket option ${name}`, setsockopt(fd, level, name, encoded, encoded.length));
}

/** struct sockaddr_ll */
function linkAddress(index: number, type: number, hardware: readonly number[]): Uint8Array {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(type, 2);
  address.writeInt32LE(index, 4);
  address.writeUInt8(hardware.length, 11);
  address.set(hardware, 12);
  return address;
}
