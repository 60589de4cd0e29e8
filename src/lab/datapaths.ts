/** Opens the datapath of a lab's node. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Datapath } from '../datapath/datapath.ts';
import { openEbpfDatapath } from '../datapath/ebpf/ebpf-datapath.ts';
import { ensureBpffs } from '../kernel/bpffs.ts';
import { netnsPath, nodeNetns } from './network/names.ts';
import { labPaths } from './paths.ts';

/** What the reconciler calls the links to pods; the node's own way out is called otherwise. */
const podInterfacePrefix = 'veth';

/** The node's network namespace must be there. Throws BulkheadError where this machine can't load BPF programs. */
export function openNodeDatapath(lab: string, node: string): Datapath {
  const { pins } = labPaths(lab);
  ensureBpffs(pins);
  return openEbpfDatapath({
    netns: netnsPath(nodeNetns(lab, node)),
    // bpffs takes no dot in names, and names of nodes may have some.
    pinDir: `${pins}/${node.replaceAll('.', '_')}`,
    objectPath: bpfObject(),
    podInterfacePrefix,
  });
}

/** Path of the compiled BPF programs: in dist/, which is this very folder once everything is bundled. */
export function bpfObject(): string {
  const [bundled, built] = ['./bulkhead.bpf.o', '../../dist/bulkhead.bpf.o'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return bundled !== undefined && existsSync(bundled) ? bundled : (built ?? '');
}
