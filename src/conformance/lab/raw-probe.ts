/**
 * Probes of protocols that this kernel may have no sockets for: the packet that opens an SCTP association, or an echo
 * request, is sent by a raw socket, and looked for where it should arrive. Nothing needs to answer.
 */
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { icmp, sctpInit } from '../../datapath/packet.ts';
import { inNetns } from '../../kernel/netns.ts';
import { beginConnect, bindSocket, openRawSocket, receive, send } from '../../kernel/socket.ts';
import { SystemCallError } from '../../kernel/libc.ts';
import type { Address } from '../../objects/ip.ts';

export interface RawProbe {
  /** Paths of the namespaces that it is sent from and should be seen in. */
  readonly from: string;
  readonly to: string;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: 'SCTP' | 'ICMP';
  /** 0 for ICMP. */
  readonly port: number;
}

/** Milliseconds between two looks. */
const pause = 2;

/** Whether each probe arrived within the time, in their order. Throws SystemCallError where it can't be sent at all. */
export async function rawProbeAll(
  probes: readonly RawProbe[],
  timeoutMs: number,
): Promise<readonly boolean[]> {
  const run = new RawProbeRun(probes);
  try {
    run.send();
    const deadline = performance.now() + timeoutMs;
    for (run.look(); !run.done && performance.now() < deadline; run.look()) await sleep(pause);
    return run.arrived;
  } finally {
    run.close();
  }
}

const numbers = { SCTP: { 4: 132, 6: 132 }, ICMP: { 4: 1, 6: 58 } } as const;
const echoRequest = { 4: 8, 6: 128 } as const;

/** Where a probe's mark is in what arrives, from the transport header on. */
const markOffset = { SCTP: 16, ICMP: 4 } as const;

/** Marks are never used twice, so that nothing that is late is taken for what came after it. */
let lastMark = Math.floor(Math.random() * 2 ** 30);

interface Receiver {
  readonly fd: number;
  readonly family: 4 | 6;
  readonly protocol: RawProbe['protocol'];
}

class RawProbeRun {
  readonly arrived: boolean[];
  readonly #probes: readonly RawProbe[];
  readonly #receivers: Receiver[] = [];
  readonly #firstMark = lastMark + 1;
  readonly #buffer = Buffer.alloc(2048);
  #missing: number;

  constructor(probes: readonly RawProbe[]) {
    this.#probes = probes;
    this.#missing = probes.length;
    this.arrived = probes.map(() => false);
    lastMark = (lastMark + probes.length) % 2 ** 31;
    for (const [netns, members] of Map.groupBy(probes, ({ to }) => to)) {
      const kinds = new Map(
        members.map(({ protocol, destination: { family } }) => [
          `${protocol}${family}`,
          { protocol, family },
        ]),
      );
      inNetns(netns, () => {
        for (const { protocol, family } of kinds.values())
          this.#receivers.push({ fd: openRawSocket(numbers[protocol][family], family), family, protocol });
      });
    }
  }

  get done(): boolean {
    return this.#missing === 0;
  }

  send(): void {
    const byNetns = Map.groupBy(this.#probes.entries(), ([, { from }]) => from);
    for (const [netns, members] of byNetns)
      inNetns(netns, () => {
        for (const [index, probe] of members) this.#sendOne(probe, this.#firstMark + index);
      });
  }

  look(): void {
    for (const { fd, family, protocol } of this.#receivers) {
      for (let length = receive(fd, this.#buffer); length > 0; length = receive(fd, this.#buffer)) {
        const headers = family === 4 ? ((this.#buffer[0] ?? 0) & 15) * 4 : 0;
        const at = headers + markOffset[protocol];
        if (length >= at + 4) this.#arrive(this.#buffer.readUInt32BE(at) - this.#firstMark);
      }
    }
  }

  close(): void {
    for (const { fd } of this.#receivers) closeSync(fd);
  }

  #arrive(index: number): void {
    if (this.arrived[index] !== false) return;
    this.arrived[index] = true;
    this.#missing -= 1;
  }

  #sendOne({ protocol, source, destination, port }: RawProbe, mark: number): void {
    const { family } = destination;
    const fd = openRawSocket(numbers[protocol][family], family);
    try {
      bindSocket(fd, { address: source, port: 0 });
      const failed = beginConnect(fd, { address: destination, port: 0 });
      const sent = failed === 0 ? send(fd, packetOf({ protocol, family, port, mark })) : -failed;
      if (sent < 0)
        throw new SystemCallError(`${protocol} from ${source.text} to ${destination.text}`, -sent);
    } finally {
      closeSync(fd);
    }
  }
}

function packetOf(options: {
  protocol: RawProbe['protocol'];
  family: 4 | 6;
  port: number;
  mark: number;
}): Uint8Array {
  const { protocol, family, port, mark } = options;
  // A source port of its own, or conntrack would take it for a packet of another probe's association.
  if (protocol === 'SCTP') return sctpInit({ port, sourcePort: 32_768 + (mark % 28_000), tag: mark });
  const body = Buffer.alloc(12);
  body.writeUInt32BE(mark, 0);
  return icmp(echoRequest[family], 0, body);
}
