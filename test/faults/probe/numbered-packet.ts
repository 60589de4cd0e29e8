/** A UDP datagram or a SYN with a number in it, made once and then only changed: there are thousands a second. */
import { packet, tcpSegment, udpDatagram } from '../../attacks/forge.ts';
import type { Ends } from '../../attacks/forge.ts';

type Kind = 'TCP' | 'UDP';

/** Where, from the transport header on, the number stands (in a SYN as its sequence number), and the checksum. */
const places = { TCP: { number: 4, checksum: 16 }, UDP: { number: 8, checksum: 6 } } as const;

export class NumberedPacket {
  readonly #kind: Kind;
  /** From the transport header on: the kernel puts the rest in front. */
  readonly #bytes: Buffer;
  /** Of everything but the ports and the number, folded to 16 bits. */
  readonly #sum: number;

  constructor(kind: Kind, ends: Ends) {
    this.#kind = kind;
    const ports = { sourcePort: 0, port: 0 };
    const content = kind === 'UDP' ? udpDatagram({ ...ports, data: '\0\0\0\0' }) : tcpSegment(ports);
    this.#bytes = Buffer.from(packet(ends, content).subarray(ends.source.family === 4 ? 20 : 40));
    this.#sum = ~this.#bytes.readUInt16BE(places[kind].checksum) & 0xffff;
  }

  /** Valid until the next call. */
  with(sourcePort: number, port: number, number: number): Buffer {
    const place = places[this.#kind];
    this.#bytes.writeUInt16BE(sourcePort, 0);
    this.#bytes.writeUInt16BE(port, 2);
    this.#bytes.writeUInt32BE(number, place.number);
    let sum = this.#sum + sourcePort + port + (number >>> 16) + (number & 0xffff);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    this.#bytes.writeUInt16BE(~sum & 0xffff || 0xffff, place.checksum);
    return this.#bytes;
  }
}

export function numberIn(kind: Kind, payload: Buffer): number {
  return payload.readUInt32BE(places[kind].number);
}
