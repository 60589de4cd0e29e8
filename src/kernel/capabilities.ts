/** What the kernel lets this process do: capabilities(7). */
import { readFileSync } from 'node:fs';

/** Numbers of <linux/capability.h>. */
const numbers = { NET_ADMIN: 12n, SYS_ADMIN: 21n, PERFMON: 38n, BPF: 39n } as const;

export type Capability = keyof typeof numbers;

/** What CAP_SYS_ADMIN stood for before they were split from it, and still does. */
const splitFromSysAdmin: readonly Capability[] = ['BPF', 'PERFMON'];

/** Those of `wanted` that the process lacks; `status` is a text like /proc/self/status. */
export function missingCapabilities(
  wanted: readonly Capability[],
  status = readFileSync('/proc/self/status', 'utf8'),
): readonly Capability[] {
  const [, mask = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  const effective = BigInt(`0x${mask}`);
  const has = (capability: Capability): boolean => ((effective >> numbers[capability]) & 1n) === 1n;
  return wanted.filter((one) => !has(one) && !(splitFromSysAdmin.includes(one) && has('SYS_ADMIN')));
}
