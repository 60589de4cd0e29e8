/**
 * Packets that rules log to a group of one network namespace (nfnetlink_log), one datagram each. Whoever binds the group
 * first has it until it closes; what nobody has bound costs no packet anything.
 */
import { constants } from 'node:os';
import { SystemCallError } from './libc.ts';
import { AttributeWriter, readAttributes, textOf, u32Of } from './netlink-attributes.ts';
import { NetfilterSocket, NLM_F_ACK, NLM_F_REQUEST } from './netfilter-socket.ts';
import type { NetlinkMessage } from './netfilter-socket.ts';
import { PacketClock } from './packet-clock.ts';

export interface LoggedPacket {
  readonly prefix: string;
  /** NF_INET_… of linux/netfilter.h. */
  readonly hook: number;
  /** From the IP header on, cut to the rule's snap length; shares memory that the next packet overwrites. */
  readonly bytes: Uint8Array;
  /** Nanoseconds of CLOCK_MONOTONIC; when it is taken, on kernels that don't say. */
  readonly time: bigint;
}

const NFNL_SUBSYS_ULOG = 4;
const NFULNL_MSG_PACKET = NFNL_SUBSYS_ULOG << 8;
const NFULNL_MSG_CONFIG = (NFNL_SUBSYS_ULOG << 8) | 1;
const NFULNL_CFG_CMD_BIND = 1;
const NFULNL_COPY_PACKET = 2;
const NFULNL_CFG_F_SEQ = 1;

/** Room for some thousand packets. */
const bufferBytes = 4 << 20;

export class NetfilterLog {
  readonly #socket: NetfilterSocket;
  readonly #group: number;
  readonly #clock = new PacketClock();
  #bound = false;
  /** The kernel numbers what it sends, also what finds no room. */
  #next = 0;
  #lost = 0n;

  constructor(netns: string, group: number) {
    this.#socket = new NetfilterSocket(netns);
    this.#socket.acceptLosses(bufferBytes);
    this.#group = group;
    this.#bind();
  }

  /** Packets that found no room. */
  get lost(): bigint {
    return this.#lost;
  }

  /** Takes what is there, up to `limit` packets; never blocks. */
  drain(limit: number, onPacket: (packet: LoggedPacket) => void): void {
    if (!this.#bound) this.#bind();
    const each = (message: NetlinkMessage): void => {
      if (message.type === NFULNL_MSG_PACKET) onPacket(this.#read(message.attributes));
    };
    for (let taken = 0; taken < limit;) {
      const now = process.hrtime.bigint();
      const messages = this.#socket.take(each);
      if (messages === 0) {
        this.#clock.nothingBefore(now);
        return;
      }
      taken += messages;
    }
  }

  close(): void {
    this.#socket.close();
  }

  /** Fails while another process has the group: it is tried again with each drain. */
  #bind(): void {
    const out = new AttributeWriter();
    const header = {
      type: NFULNL_MSG_CONFIG,
      flags: NLM_F_REQUEST | NLM_F_ACK,
      sequence: 1,
      family: 0,
      resource: this.#group,
    };
    out.message(header, () => {
      out.u8(1, NFULNL_CFG_CMD_BIND);
      // struct nfulnl_msg_config_mode: how much of each packet, at most; rules say less.
      out.data(2, Uint8Array.of(0, 0, 0xff, 0xff, NFULNL_COPY_PACKET, 0));
      out.u32(5, 1);
      out.u16(6, NFULNL_CFG_F_SEQ);
    });
    const [refusal] = this.#socket.request(out.bytes);
    const { EBUSY, EPERM } = constants.errno;
    if (refusal && refusal.errno !== EBUSY && refusal.errno !== EPERM)
      throw new SystemCallError(`bind log group ${this.#group}`, refusal.errno);
    this.#bound = refusal === undefined;
  }

  #read(bytes: Uint8Array): LoggedPacket {
    const attributes = readAttributes(bytes);
    const sequence = attributes.get(12);
    if (sequence) {
      const number = u32Of(sequence);
      this.#lost += BigInt((number - this.#next) >>> 0);
      this.#next = (number + 1) >>> 0;
    }
    return {
      prefix: textOf(attributes.get(10)),
      hook: attributes.get(1)?.[2] ?? 0,
      bytes: attributes.get(9) ?? new Uint8Array(),
      time: this.#clock.monotonic(attributes.get(3)),
    };
  }
}
