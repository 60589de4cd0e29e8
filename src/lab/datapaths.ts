/** The datapath of a lab's node. */
import { openDatapath } from '../agent/node-datapath.ts';
import type { Datapath } from '../datapath/datapath.ts';
import type { EngineName } from '../datapath/engine-choice.ts';
import { netnsPath, nodeNetns } from './network/names.ts';
import { labPaths } from './paths.ts';

/** What the reconciler calls the links to pods; the node's own way out is called otherwise. */
const podInterfacePrefix = 'veth';

/** The node's network namespace must be there. Throws BulkheadError where this machine can't. */
export function openNodeDatapath(lab: string, node: string, engine: EngineName = 'ebpf'): Datapath {
  const { pins } = labPaths(lab);
  return openDatapath({
    engine,
    netns: netnsPath(nodeNetns(lab, node)),
    bpffs: pins,
    // bpffs takes no dot in names, and names of nodes may have some.
    pinDir: `${pins}/${node.replaceAll('.', '_')}`,
    podInterfacePrefix,
  });
}
