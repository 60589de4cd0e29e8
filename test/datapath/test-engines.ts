/** The engines, opened on a test network alike. */
import type { Datapath } from '../../src/datapath/datapath.ts';
import { openEbpfDatapath } from '../../src/datapath/ebpf/ebpf-datapath.ts';
import { openNftablesDatapath } from '../../src/datapath/nftables/nftables-datapath.ts';
import { objectPath, testCapacity } from './kernel-tables.ts';
import { podInterfacePrefix } from './test-network.ts';
import type { TestNetwork } from './test-network.ts';

export const engineNames = ['ebpf', 'nftables'] as const;
export type EngineName = (typeof engineNames)[number];

export function openEngine(engine: EngineName, network: TestNetwork): Datapath {
  if (engine === 'nftables') return openNftablesDatapath({ netns: network.node, podInterfacePrefix });
  return openEbpfDatapath({
    netns: network.node,
    pinDir: network.pinDir,
    objectPath,
    capacity: testCapacity,
    podInterfacePrefix,
  });
}
