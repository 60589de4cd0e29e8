/** The engines that are attacked. */
import type { Datapath } from '../../src/datapath/datapath.ts';
import { reasons } from '../../src/datapath/datapath.ts';
import { openNftablesDatapath } from '../../src/datapath/nftables/nftables-datapath.ts';
import { openNodeDatapath } from '../../src/lab/datapaths.ts';
import { netnsPath, nodeNetns } from '../../src/lab/network/names.ts';

export interface Engine {
  readonly name: string;
  /** The datapath of a node of a lab, whose network namespace is there. */
  open(lab: string, node: string): Datapath;
}

export const engines: readonly Engine[] = [
  { name: 'ebpf', open: openNodeDatapath },
  { name: 'nftables', open: openNodeNftables },
];

function openNodeNftables(lab: string, node: string): Datapath {
  return openNftablesDatapath({ netns: netnsPath(nodeNetns(lab, node)), podInterfacePrefix: 'veth' });
}

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
  drainEvents: () => undefined,
  close: () => undefined,
  detach: () => undefined,
};
