/** The engines that are attacked. */
import type { Datapath } from '../../src/datapath/datapath.ts';
import { reasons } from '../../src/datapath/datapath.ts';
import { openNodeDatapath } from '../../src/lab/datapaths.ts';

export interface Engine {
  readonly name: string;
  /** The datapath of a node of a lab, whose network namespace is there. */
  open(lab: string, node: string): Datapath;
}

export const engines: readonly Engine[] = (['ebpf', 'nftables'] as const).map((name) => ({
  name,
  open: (lab, node) => openNodeDatapath(lab, node, name),
}));

/** Enforces nothing: what an attack must succeed against, or it proves nothing. */
export const nobody: Engine = { name: 'nobody', open: () => inert };

const zero = { packets: 0n, bytes: 0n };
const inert: Datapath = {
  apply: () => undefined,
  sweep: () => undefined,
  counters: () => ({
    rules: new Map(),
    reasons: Object.fromEntries(
      reasons.map((reason) => [reason, { allowed: zero, denied: zero }]),
    ) as ReturnType<Datapath['counters']>['reasons'],
    lostEvents: 0n,
  }),
  audit: () => [],
  drainEvents: () => undefined,
  close: () => undefined,
  detach: () => undefined,
};
