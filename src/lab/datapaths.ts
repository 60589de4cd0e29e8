/** Chooses and opens the datapath of a lab's nodes. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Datapath } from '../datapath/datapath.ts';
import { openEbpfDatapath } from '../datapath/ebpf/ebpf-datapath.ts';
import { requireBpf, thisMachine } from '../datapath/ebpf/requirements.ts';
import { chooseEngine } from '../datapath/engine-choice.ts';
import type { EngineChoice, EngineName, EngineWish } from '../datapath/engine-choice.ts';
import { openNftablesDatapath } from '../datapath/nftables/nftables-datapath.ts';
import { BulkheadError } from '../errors.ts';
import { knowsNetfilterPrograms } from '../kernel/bpf-probe.ts';
import { ensureBpffs } from '../kernel/bpffs.ts';
import { netnsPath, nodeNetns } from './network/names.ts';
import { labPaths } from './paths.ts';

/** What the reconciler calls the links to pods; the node's own way out is called otherwise. */
const podInterfacePrefix = 'veth';

/** Throws BulkheadError BPF_… if eBPF is asked for and this machine can't. Must run as root. */
export function chooseNodeEngine(wish: EngineWish): EngineChoice {
  if (wish === 'ebpf') requireBpf(thisMachine());
  return chooseEngine(wish, wish === 'auto' ? ebpfObstacle() : undefined);
}

/** Asks the kernel itself, not only what it calls itself. */
function ebpfObstacle(): string | undefined {
  try {
    requireBpf(thisMachine());
  } catch (error) {
    if (error instanceof BulkheadError) return error.diagnostics[0]?.message ?? error.message;
    throw error;
  }
  return knowsNetfilterPrograms() ? undefined : 'this kernel knows no BPF programs at netfilter hooks';
}

/** The node's network namespace must be there. Throws BulkheadError where this machine can't. */
export function openNodeDatapath(lab: string, node: string, engine: EngineName = 'ebpf'): Datapath {
  const netns = netnsPath(nodeNetns(lab, node));
  if (engine === 'nftables') return openNftablesDatapath({ netns, podInterfacePrefix });
  const { pins } = labPaths(lab);
  ensureBpffs(pins);
  return openEbpfDatapath({
    netns,
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
