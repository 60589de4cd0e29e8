/** What the agent asks of the kernel, checked before anything is touched, so that what is missing has a name. */
import type { EngineWish } from '../datapath/engine-choice.ts';
import { BulkheadError, failure } from '../errors.ts';
import { missingCapabilities } from '../kernel/capabilities.ts';
import type { Capability } from '../kernel/capabilities.ts';

/**
 * NET_ADMIN: programs in the hooks, nftables, netlink. BPF: loading programs, maps. PERFMON: the programs read the kernel's
 * own structures (a packet's conntrack entry). No SYS_ADMIN: namespaces are not entered, file systems not mounted.
 */
const required: Readonly<Record<EngineWish, readonly Capability[]>> = {
  auto: ['BPF', 'NET_ADMIN', 'PERFMON'],
  ebpf: ['BPF', 'NET_ADMIN', 'PERFMON'],
  nftables: ['NET_ADMIN'],
};

export function requiredCapabilities(wish: EngineWish): readonly Capability[] {
  return required[wish];
}

/** Throws BulkheadError AGENT_CAPABILITY_MISSING. */
export function requireCapabilities(wish: EngineWish, missing = missingCapabilities(required[wish])): void {
  if (missing.length === 0) return;
  const names = missing.map((name) => `CAP_${name}`).join(' and ');
  throw new BulkheadError(
    failure('AGENT_CAPABILITY_MISSING', `the agent may not do its work: it lacks ${names}`, {
      hint: `In a pod: securityContext.capabilities.add: [${required[wish].join(', ')}]. By hand: run it as root.`,
    }),
  );
}
