/** The bpf(2) commands that libbpf 1.1 does not know yet: links at netfilter hooks. Since Linux 6.4. */
import { closeSync } from 'node:fs';
import { arch } from 'node:process';
import { libbpf } from './libbpf.ts';
import { checked, libc, SystemCallError } from './libc.ts';

const syscall: (number: number, command: number, attributes: Uint8Array, size: number) => number = libc.func(
  'long syscall(long, int, void *, uint32_t)',
);

/** asm/unistd.h; x86-64 has its own numbers, everybody newer the generic ones. */
const SYS_BPF = arch === 'x64' ? 321 : 280;
const BPF_LINK_CREATE = 28;
const BPF_LINK_DETACH = 34;

export const BPF_PROG_TYPE_NETFILTER = 32;
export const BPF_NETFILTER = 45;

/** enum nf_inet_hooks. */
export const NF_INET_LOCAL_IN = 1;
export const NF_INET_FORWARD = 2;
/** Protocol families of netfilter: those of the socket API. */
export const NFPROTO_IPV4 = 2;
export const NFPROTO_IPV6 = 10;

export interface NetfilterHook {
  readonly family: typeof NFPROTO_IPV4 | typeof NFPROTO_IPV6;
  readonly hook: typeof NF_INET_FORWARD | typeof NF_INET_LOCAL_IN;
  /** Ascending order of calls; two links at one hook can't have the same. */
  readonly priority: number;
}

/**
 * Attaches a program to a hook of the calling thread's network namespace; returns the link's descriptor. The program
 * runs until the last descriptor and pin of the link are gone. Throws SystemCallError, EBUSY: the priority is taken.
 */
export function createNetfilterLink(program: number, { family, hook, priority }: NetfilterHook): number {
  const attributes = new DataView(new ArrayBuffer(32));
  attributes.setUint32(0, program, true);
  attributes.setUint32(8, BPF_NETFILTER, true);
  attributes.setUint32(16, family, true);
  attributes.setUint32(20, hook, true);
  attributes.setInt32(24, priority, true);
  return checked('bpf(BPF_LINK_CREATE)', bpf(BPF_LINK_CREATE, attributes));
}

/** Where among the links of its hook a netfilter link is. */
export function linkPriority(link: number): number {
  // struct bpf_link_info: type, id, prog_id, padding; netfilter: pf, hooknum, priority, flags.
  const info = new DataView(new ArrayBuffer(32));
  const result = libbpf().infoByFd(link, new Uint8Array(info.buffer), Uint32Array.of(info.byteLength));
  if (result < 0) throw new SystemCallError('ask for a link', -result);
  return info.getInt32(24, true);
}

/** Takes the program out of its hook at once, though descriptors and pins of the link remain. */
export function detachLink(link: number): void {
  const attributes = new DataView(new ArrayBuffer(4));
  attributes.setUint32(0, link, true);
  checked('bpf(BPF_LINK_DETACH)', bpf(BPF_LINK_DETACH, attributes));
}

function bpf(command: number, attributes: DataView): number {
  return syscall(SYS_BPF, command, new Uint8Array(attributes.buffer), attributes.byteLength);
}

/** Closes descriptors that may be closed already or never were (negative). */
export function closeAll(descriptors: Iterable<number>): void {
  for (const descriptor of descriptors) if (descriptor >= 0) closeSync(descriptor);
}
