/** What the eBPF datapath needs of the machine, asked before anything is touched. */
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { BulkheadError, failure } from '../../errors.ts';

/** BPF_PROG_TYPE_NETFILTER and its links. */
const oldestKernel = [6, 4] as const;

export interface Machine {
  readonly root: boolean;
  /** As `uname -r` prints it. */
  readonly kernel: string;
  readonly btf: boolean;
}

export function thisMachine(): Machine {
  return {
    root: process.geteuid?.() === 0,
    kernel: release(),
    btf: existsSync('/sys/kernel/btf/vmlinux'),
  };
}

/** Throws BulkheadError BPF_NOT_ROOT, BPF_KERNEL_TOO_OLD, BPF_NO_BTF. */
export function requireBpf({ root, kernel, btf }: Machine): void {
  if (!root) {
    throw new BulkheadError(
      failure('BPF_NOT_ROOT', 'only root may load BPF programs', { hint: 'Run the command with sudo.' }),
    );
  }
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  if (major < oldestKernel[0] || (major === oldestKernel[0] && minor < oldestKernel[1])) {
    throw new BulkheadError(
      failure(
        'BPF_KERNEL_TOO_OLD',
        `the eBPF datapath needs Linux ${oldestKernel.join('.')}, and this is ${kernel}`,
        {
          hint: 'Install a newer kernel: Debian 12 has one in bookworm-backports, Ubuntu 24.04 in its base.',
        },
      ),
    );
  }
  if (!btf) {
    throw new BulkheadError(
      failure('BPF_NO_BTF', 'the kernel does not describe its types: /sys/kernel/btf/vmlinux is missing', {
        hint: 'Boot a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions build them.',
      }),
    );
  }
}
