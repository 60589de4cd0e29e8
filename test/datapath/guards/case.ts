/** Cases of single packets: what they are made of, and how one is tried. */
import { ipv4, ipv6, tcp } from '../../../src/datapath/packet.ts';
import type { DatapathReason } from '../../../src/datapath/datapath.ts';
import type { ProgramName } from '../../../src/datapath/ebpf/object.ts';
import { world } from '../guard-world.ts';
import { tracking } from '../kernel-tables.ts';
import type { KernelTables } from '../kernel-tables.ts';

/** How the programs are loaded; what TEST_RUN can't give a packet is fixed then. */
export const loads = {
  new: { tracking: tracking.new },
  established: { tracking: tracking.established },
  reply: { tracking: tracking.reply },
  related: { tracking: tracking.related },
  relatedReply: { tracking: tracking.relatedReply },
  /** As in production; here that means no conntrack entry. */
  production: { tracking: undefined },
} as const;

export interface GuardCase {
  readonly name: string;
  readonly load: keyof typeof loads;
  readonly program: ProgramName;
  readonly packet: Uint8Array;
  readonly accepted: boolean;
  readonly reason: DatapathReason;
}

export const TCP = 6;
export const UDP = 17;
export const SCTP = 132;
export const ICMP = 1;
export const ICMPV6 = 58;
export const GRE = 47;
export const four = world[4];
export const six = world[6];
export const data = new Uint8Array(8);

export type Judged = Omit<GuardCase, 'name' | 'load'>;

export function forward4(
  from: keyof typeof four,
  to: keyof typeof four,
  rest: { protocol: number; payload: Uint8Array },
) {
  return ipv4({ source: four[from], destination: four[to], ...rest });
}

export function forward6(
  from: keyof typeof six,
  to: keyof typeof six,
  rest: { protocol: number; payload: Uint8Array },
) {
  return ipv6({ source: six[from], destination: six[to], ...rest });
}

export function pass(program: ProgramName, reason: DatapathReason, packet: Uint8Array): Judged {
  return { program, packet, accepted: true, reason };
}

export function drop(program: ProgramName, reason: DatapathReason, packet: Uint8Array): Judged {
  return { program, packet, accepted: false, reason };
}

export const toTcp80 = { protocol: TCP, payload: tcp({ port: 80 }) };
export const toTcp81 = { protocol: TCP, payload: tcp({ port: 81 }) };

/** What a case came to, in the words in which it says what it should. */
export function judgeCase(kernel: KernelTables, { program, packet }: GuardCase): string {
  const before = kernel.counters();
  const accepted = kernel.run(program, packet);
  const after = kernel.counters();
  const counted = Object.entries(after.reasons).flatMap(([reason, { allowed, denied }]) => {
    const was = before.reasons[reason as DatapathReason];
    const grown = [
      ['allowed', allowed.packets - was.allowed.packets, allowed.bytes - was.allowed.bytes],
      ['denied', denied.packets - was.denied.packets, denied.bytes - was.denied.bytes],
    ] as const;
    return grown
      .filter(([, packets, bytes]) => packets > 0n || bytes > 0n)
      .map(([way, packets, bytes]) => `${way} ${packets} (${bytes} bytes) by ${reason}`);
  });
  return [accepted ? 'accepted' : 'dropped', ...counted].join(', ');
}

export function expectedOf({ accepted, reason, packet }: GuardCase): string {
  return accepted
    ? `accepted, allowed 1 (${packet.length} bytes) by ${reason}`
    : `dropped, denied 1 (${packet.length} bytes) by ${reason}`;
}
