/**
 * A stream of single packets: UDP datagrams, or SYNs, whose sequence number is their number, and which the other end
 * answers with a reset.
 */
import { parseAddress } from '../../../src/objects/ip.ts';
import type { Address } from '../../../src/objects/ip.ts';
import { packet, protocol, tcpSegment, udpDatagram } from '../../attacks/forge.ts';
import type { Ends, Payload } from '../../attacks/forge.ts';
import { RawSocket } from './raw-socket.ts';
import type { Stream, Tally } from './stream.ts';

/** More than an hour's. */
const most = 1 << 22;

/** Source ports of one stream before one comes again; half a minute later conntrack has forgotten a datagram. */
const sourcePorts = 50_000;
const firstSourcePort = 10_000;

export class PacketFlow {
  readonly #stream: Stream;
  readonly #near: RawSocket;
  readonly #far: RawSocket;
  readonly #there: Ends;
  readonly #back: Ends;
  readonly #arrived = new Uint8Array(most);
  readonly #answered = new Uint8Array(most);
  readonly #keptPort: number;
  #sent = 0;
  #marked = 0;
  /** Since the mark, whatever their number. */
  #arrivals = 0;

  constructor(stream: Stream, index: number) {
    this.#stream = stream;
    const [source, destination] = [addressOf(stream.from.address), addressOf(stream.to.address)];
    this.#there = { source, destination };
    this.#back = { source: destination, destination: source };
    const number = protocol[stream.protocol];
    this.#near = new RawSocket(stream.from.netns, number, this.#there);
    this.#far = new RawSocket(stream.to.netns, number, this.#back);
    this.#keptPort = firstSourcePort - 1 - index;
  }

  send(): void {
    const number = this.#sent;
    const sourcePort =
      this.#stream.flow === 'kept' ? this.#keptPort : firstSourcePort + (number % sourcePorts);
    const ports = { sourcePort, port: this.#stream.port };
    this.#near.send(
      transport(
        this.#there,
        this.#stream.protocol === 'UDP'
          ? udpDatagram({ ...ports, data: `${number}` })
          : tcpSegment({ ...ports, sequence: number }),
      ),
    );
    this.#sent += 1;
  }

  /** Notes what has come, and answers. */
  receive(): void {
    const { port, protocol: kind } = this.#stream;
    this.#far.drain((payload) => {
      if (payload.readUInt16BE(2) !== port) return;
      const number = kind === 'UDP' ? numberIn(payload) : payload.readUInt32BE(4);
      this.#arrivals += 1;
      this.#arrived[number] = 1;
      if (kind === 'TCP') return;
      const ports = { sourcePort: port, port: payload.readUInt16BE(0) };
      this.#far.send(transport(this.#back, udpDatagram({ ...ports, data: `${number}` })));
    });
    this.#near.drain((payload) => {
      if (payload.readUInt16BE(0) !== port) return;
      const number = kind === 'UDP' ? numberIn(payload) : payload.readUInt32BE(8) - 1;
      this.#answered[number] = 1;
    });
  }

  mark(): void {
    this.#marked = this.#sent;
    this.#arrivals = 0;
  }

  /** Of what was sent between the mark and number `until`. */
  tally(until: number): Tally {
    const sent = until - this.#marked;
    const count = (flags: Uint8Array): number => {
      let sum = 0;
      for (let number = this.#marked; number < until; number++) sum += flags[number] ?? 0;
      return sum;
    };
    return {
      sent,
      arrived: this.#arrivals,
      lost: sent - count(this.#arrived),
      unanswered: sent - count(this.#answered),
    };
  }

  get sent(): number {
    return this.#sent;
  }
}

function numberIn(datagram: Buffer): number {
  return Number(datagram.toString('latin1', 8));
}

/** From the transport header on: the kernel puts the rest in front. */
function transport(ends: Ends, content: Payload): Uint8Array {
  return packet(ends, content).subarray(ends.source.family === 4 ? 20 : 40);
}

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new Error(`no address: ${text}`);
  return address;
}
