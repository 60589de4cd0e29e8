/** Whether this kernel knows BPF programs at netfilter hooks: by loading the smallest one. */
import koffi from 'koffi';
import { closeSync } from 'node:fs';
import { arch } from 'node:process';
import { BPF_NETFILTER, BPF_PROG_TYPE_NETFILTER } from './bpf.ts';
import { libc } from './libc.ts';

/** The beginning of union bpf_attr for BPF_PROG_LOAD (linux/bpf.h). */
const ProgramAttributes = koffi.struct({
  prog_type: 'uint32_t',
  insn_cnt: 'uint32_t',
  insns: 'const void *',
  license: 'const char *',
  log: koffi.array('uint8_t', 44),
  expected_attach_type: 'uint32_t',
});

const syscall: (number: number, command: number, attributes: object, size: number) => number = libc.func(
  'syscall',
  'long',
  ['long', 'int', koffi.pointer(ProgramAttributes), 'uint32_t'],
);

/** asm/unistd.h */
const SYS_BPF = arch === 'x64' ? 321 : 280;
const BPF_PROG_LOAD = 5;

/** r0 = 1 (NF_ACCEPT); exit. */
const accept = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** False as well where the caller may not load programs. The kernel needs CONFIG_NETFILTER_BPF_LINK, since 6.4. */
export function knowsNetfilterPrograms(): boolean {
  const attributes = {
    prog_type: BPF_PROG_TYPE_NETFILTER,
    insn_cnt: 2,
    insns: accept,
    license: 'Dual MIT/GPL',
    log: new Uint8Array(44),
    expected_attach_type: BPF_NETFILTER,
  };
  const program = syscall(SYS_BPF, BPF_PROG_LOAD, attributes, koffi.sizeof(ProgramAttributes));
  if (program < 0) return false;
  closeSync(program);
  return true;
}
