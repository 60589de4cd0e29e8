/** The engines that are attacked. */
import type { Datapath } from '../../src/datapath/datapath.ts';
import { reasons } from '../../src/datapath/datapath.ts';
import { openEbpfDatapath } from '../../src/datapath/ebpf/ebpf-datapath.ts';
import { openNftablesDatapath } from '../../src/datapath/nftables/nftables-datapath.ts';
import { ensureBpffs } from '../../src/kernel/bpffs.ts';
import { bpfObject } from '../../src/agent/node-datapath.ts';
import { openNodeDatapath } from '../../src/lab/datapaths.ts';
import { netnsPath, nodeNetns } from '../../src/lab/network/names.ts';
import { labPaths } from '../../src/lab/paths.ts';

/** How many entries tables may have, as far as both engines count alike. */
export type Capacity = Readonly<Record<'addresses' | 'cidrs' | 'classes' | 'ports' | 'rules', number>>;

export interface Engine {
  readonly name: string;
  /** The datapath of a node of a lab, whose network namespace is there. */
  open(lab: string, node: string): Datapath;
  /** The same with tables of another size. */
  openSized(lab: string, node: string, capacity: Capacity): Datapath;
}

const podInterfacePrefix = 'veth';

export const engines: readonly Engine[] = [
  {
    name: 'ebpf',
    open: (lab, node) => openNodeDatapath(lab, node, 'ebpf'),
    openSized: (lab, node, sizes) => {
      // Each pod may be told apart from all others.
      const capacity = { ...sizes, subjects: sizes.addresses };
      const { pins } = labPaths(lab);
      ensureBpffs(pins);
      const netns = netnsPath(nodeNetns(lab, node));
      const pinDir = `${pins}/${node}`;
      return openEbpfDatapath({ netns, pinDir, objectPath: bpfObject(), capacity, podInterfacePrefix });
    },
  },
  {
    name: 'nftables',
    open: (lab, node) => openNodeDatapath(lab, node, 'nftables'),
    openSized: (lab, node, capacity) =>
      openNftablesDatapath({ netns: netnsPath(nodeNetns(lab, node)), capacity, podInterfacePrefix }),
  },
];

/** Enforces nothing: what an attack must succeed against, or it proves nothing. */
export const nobody: Engine = { name: 'nobody', open: () => inert, openSized: () => inert };

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
  intact: () => true,
  drainEvents: () => undefined,
  close: () => undefined,
  detach: () => undefined,
};
