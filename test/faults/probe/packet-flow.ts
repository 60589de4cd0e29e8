/**
 * A stream of single packets: UDP datagrams, or SYNs, whose sequence number is their number, and which the other end
 * answers with a reset.
 */
import { parseAddress } from '../../../src/objects/ip.ts';
import type { Address } from '../../../src/objects/ip.ts';
import { protocol } from '../../attacks/forge.ts';
import { numberIn, NumberedPacket } from './numbered-packet.ts';
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
  readonly #far: RawSocket | undefined;
  readonly #there: NumberedPacket;
  readonly #back: NumberedPacket;
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
    const [there, back] = [
      { source, destination },
      { source: destination, destination: source },
    ];
    this.#there = new NumberedPacket(stream.protocol, there);
    this.#back = new NumberedPacket(stream.protocol, back);
    const number = protocol[stream.protocol];
    this.#near = new RawSocket(stream.from.netns, number, there);
    const { netns } = stream.to;
    this.#far = netns === undefined ? undefined : new RawSocket(netns, number, back);
    this.#keptPort = firstSourcePort - 1 - index;
  }

  send(): void {
    const number = this.#sent;
    const sourcePort =
      this.#stream.flow === 'kept' ? this.#keptPort : firstSourcePort + (number % sourcePorts);
    this.#near.send(this.#there.with(sourcePort, this.#stream.port, number));
    this.#sent += 1;
  }

  /** Notes what has come, and answers. */
  receive(): void {
    const { port, protocol: kind } = this.#stream;
    this.#far?.drain((payload) => {
      if (payload.readUInt16BE(2) !== port) return;
      const number = numberIn(kind, payload);
      this.#arrivals += 1;
      this.#arrived[number] = 1;
      if (kind === 'UDP') this.#far?.send(this.#back.with(port, payload.readUInt16BE(0), number));
    });
    this.#near.drain((payload) => {
      if (payload.readUInt16BE(0) !== port) return;
      // A reset acknowledges the SYN, which counts as one byte.
      this.#answered[kind === 'UDP' ? numberIn(kind, payload) : payload.readUInt32BE(8) - 1] = 1;
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

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new Error(`no address: ${text}`);
  return address;
}
