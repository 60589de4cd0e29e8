/** Sends any bytes as a packet from a pod, by a packet socket on its eth0 (packet(7)). */
import { closeSync } from 'node:fs';
import { checked, libc } from '../../src/kernel/libc.ts';
import { inNetns } from '../../src/kernel/netns.ts';

const socket: (family: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const setsockopt: (
  ...call: [fd: number, level: number, option: number, value: Uint8Array, size: number]
) => number = libc.func('int setsockopt(int, int, int, const void *, unsigned int)');
const sendto: (
  ...call: [
    fd: number,
    data: Uint8Array,
    size: number,
    flags: number,
    address: Uint8Array,
    addressSize: number,
  ]
) => number = libc.func('long sendto(int, const void *, size_t, int, const void *, unsigned int)');
const interfaceIndex: (name: string) => number = libc.func('unsigned int if_nametoindex(const char *)');

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_PACKET = 263;
const PACKET_VNET_HDR = 15;
const ethernetHeader = 14;

/** MAC address of the node's end, as test-network.ts sets it. */
const nodeMac = [2, 0, 0, 0, 0, 1];

export interface RawPacket {
  /** Namespace of the pod. */
  readonly netns: string;
  /** From the IP header on. */
  readonly packet: Uint8Array;
  /**
   * Only this many bytes of the packet lie in the linear part of the kernel's buffer, the rest in page fragments. The
   * kernel obeys for packets of more than a page.
   */
  readonly linear?: number;
}

export function sendRaw({ netns, packet, linear }: RawPacket): void {
  inNetns(netns, () => {
    const fd = checked('packet socket', socket(AF_PACKET, SOCK_RAW, 0));
    try {
      const type = (packet[0] ?? 0) >> 4 === 6 ? [0x86, 0xdd] : [0x08, 0x00];
      const frame = [...nodeMac, 2, 0, 0, 0, 0, 2, ...type, ...packet];
      const data = linear === undefined ? frame : [...virtioHeader(ethernetHeader + linear), ...frame];
      if (linear !== undefined)
        checked('PACKET_VNET_HDR', setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, Uint8Array.of(1, 0, 0, 0), 4));
      const address = linkAddress(interfaceIndex('eth0'), type);
      checked('send', sendto(fd, Uint8Array.from(data), data.length, 0, address, address.length));
    } finally {
      closeSync(fd);
    }
  });
}

/** struct virtio_net_hdr: no offloads, and how much is linear. */
function virtioHeader(linear: number): number[] {
  return [0, 0, linear & 0xff, linear >> 8, 0, 0, 0, 0, 0, 0];
}

/** struct sockaddr_ll */
function linkAddress(index: number, type: readonly number[]): Uint8Array {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.set(type, 2);
  address.writeInt32LE(index, 4);
  address.writeUInt8(6, 11);
  address.set(nodeMac, 12);
  return address;
}
