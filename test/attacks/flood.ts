/** Connections by the hundred thousand, between two pods that let them stand: what conntrack of their node then holds. */
import { readFileSync } from 'node:fs';
import { NetfilterSocket, NLM_F_ACK, NLM_F_REQUEST } from '../../src/kernel/netfilter-socket.ts';
import { AttributeWriter } from '../../src/kernel/netlink-attributes.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import type { Field } from './field.ts';
import { protocol, tcpFlags, tcpSegment, udpDatagram } from './forge.ts';

/** Where these are in a packet whose IPv4 header has no options. */
const [transport, udpChecksum, tcpChecksum] = [20, 26, 36];

/** One packet, sent again and again with other ports; its checksum is mended, not made (RFC 1624). */
class PortSweep {
  readonly #bytes: Buffer;
  readonly #checksum: number | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
    if (bytes[9] === protocol.TCP) this.#checksum = tcpChecksum;
    // 0: none.
    else this.#bytes.writeUInt16BE(0, udpChecksum);
  }

  /** Valid until the next call. */
  at(sourcePort: number, port: number): Uint8Array {
    this.#set(transport, sourcePort);
    this.#set(transport + 2, port);
    return this.#bytes;
  }

  #set(at: number, value: number): void {
    const before = this.#bytes.readUInt16BE(at);
    this.#bytes.writeUInt16BE(value, at);
    if (this.#checksum === undefined) return;
    let sum = (~this.#bytes.readUInt16BE(this.#checksum) & 0xffff) + (~before & 0xffff) + value;
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    this.#bytes.writeUInt16BE(~sum & 0xffff, this.#checksum);
  }
}

/** `datagrams` are never answered, so conntrack may forget them for others; `handshakes` are whole, and it may not. */
export type FloodKind = 'datagrams' | 'handshakes';

export interface Fill {
  /** Connections that the node's conntrack holds, and how many it may. */
  readonly held: number;
  readonly limit: number;
}

const chunk = 8192;

/**
 * Opens connections from one pod to another of its node while `action` runs, until conntrack holds all that it may and
 * some more have been tried. The limit is the whole machine's, but each network namespace has it to itself.
 */
export async function flooded(
  field: Field,
  { from, to, kind }: { from: string; to: string; kind: FloodKind },
  action: (fill: Fill) => Promise<void>,
): Promise<void> {
  const pods = [from, to];
  const node = field.lab.cluster.pods.get(from)?.node ?? '';
  for (const pod of pods) field.run(pod, 'nft', deaf);
  try {
    const limit = conntrack(field, node, 'max');
    const open = opener(field, { from, to, kind });
    let tried = 0;
    for (let held = 0; held < limit && tried < 3 * limit; held = conntrack(field, node, 'count'))
      tried = open(tried, chunk);
    open(tried, limit >> 4);
    await action({ held: conntrack(field, node, 'count'), limit });
  } finally {
    forgetEverything(field.netns(node));
    for (const pod of pods) field.run(pod, 'nft', 'delete table inet deaf');
  }
}

/** A pod whose kernel answers nothing: what its attacker sends by raw sockets is all that it says. */
const deaf =
  'table inet deaf { chain input { type filter hook input priority 0; meta l4proto { tcp, udp } drop; }; }';

function conntrack(field: Field, node: string, what: 'count' | 'max'): number {
  return inNetns(field.netns(node), () =>
    Number(readFileSync(`/proc/sys/net/netfilter/nf_conntrack_${what}`, 'utf8')),
  );
}

/** IPCTNL_MSG_CT_DELETE of NFNL_SUBSYS_CTNETLINK; that names no connection: all of them. */
const deleteConnections = (1 << 8) | 2;

function forgetEverything(netns: string): void {
  const writer = new AttributeWriter();
  const header = { type: deleteConnections, flags: NLM_F_REQUEST | NLM_F_ACK, sequence: 1, family: 0 };
  writer.message(header, () => undefined);
  const socket = new NetfilterSocket(netns);
  try {
    const [refusal] = socket.request(writer.bytes);
    if (refusal) throw new Error(`conntrack does not forget: error ${refusal.errno}`);
  } finally {
    socket.close();
  }
}

/** Opens so many connections, beginning with the one of that number; gives the number that comes next. */
function opener(
  field: Field,
  { from, to, kind }: { from: string; to: string; kind: FloodKind },
): (first: number, count: number) => number {
  const [client, server] = [field.tap(from), field.tap(to)];
  const there = (content: ReturnType<typeof tcpSegment>) =>
    new PortSweep(field.packet(4, [from, to], content));
  const back = new PortSweep(
    field.packet(4, [to, from], tcpSegment({ port: 1, flags: tcpFlags.syn | tcpFlags.ack, acknowledges: 1 })),
  );
  const datagram = there(udpDatagram({ port: 1 }));
  const first = there(tcpSegment({ port: 1 }));
  const last = there(tcpSegment({ port: 1, flags: tcpFlags.ack, sequence: 1, acknowledges: 1 }));
  return (begin, count) => {
    for (let number = begin; number < begin + count; number++) {
      const [sourcePort, port] = [1024 + (number % 60_000), 20_000 + Math.floor(number / 60_000)];
      if (kind === 'datagrams') client.send(datagram.at(sourcePort, port));
      else {
        client.send(first.at(sourcePort, port));
        server.send(back.at(port, sourcePort));
        client.send(last.at(sourcePort, port));
      }
    }
    return begin + count;
  };
}
