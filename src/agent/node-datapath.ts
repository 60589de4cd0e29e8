/** Chooses and opens the datapath of a node, whoever's node it is. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Datapath } from '../datapath/datapath.ts';
import { detachEbpfDatapath, openEbpfDatapath } from '../datapath/ebpf/ebpf-datapath.ts';
import { pinnedGenerations } from '../datapath/ebpf/generations.ts';
import { requireBpf, thisMachine } from '../datapath/ebpf/requirements.ts';
import { chooseEngine } from '../datapath/engine-choice.ts';
import type { EngineChoice, EngineName, EngineWish } from '../datapath/engine-choice.ts';
import {
  detachNftablesDatapath,
  hasNftablesTable,
  openNftablesDatapath,
} from '../datapath/nftables/nftables-datapath.ts';
import type { TableCapacity } from '../datapath/table-capacity.ts';
import { BulkheadError, failure } from '../errors.ts';
import { knowsNetfilterPrograms } from '../kernel/bpf-probe.ts';
import { ensureBpffs } from '../kernel/bpffs.ts';
import { SystemCallError } from '../kernel/libc.ts';

export interface NodePlace {
  /** Path of the node's network namespace. */
  readonly netns: string;
  /** Mount point of a BPF file system, mounted if there is none. */
  readonly bpffs: string;
  /** Directory in it that is this node's alone. */
  readonly pinDir: string;
}

export interface NodeDatapathOptions extends NodePlace {
  readonly engine: EngineName;
  readonly podInterfacePrefix?: string;
  readonly events?: boolean;
  /** What is left out is as the engine has it by default. */
  readonly capacity?: Partial<TableCapacity>;
}

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

/** The network namespace must be there. Throws BulkheadError where this machine can't. */
export function openDatapath(options: NodeDatapathOptions): Datapath {
  const { engine, bpffs, ...rest } = options;
  if (engine === 'nftables') return openNftablesDatapath(rest);
  mountBpffs(bpffs);
  return openEbpfDatapath({ ...rest, objectPath: bpfObject() });
}

/** Throws BulkheadError DATAPATH_PIN_DIRECTORY where there is none and none may be mounted, in a pod say. */
function mountBpffs(directory: string): void {
  try {
    ensureBpffs(directory);
  } catch (cause) {
    if (!(cause instanceof SystemCallError)) throw cause;
    throw new BulkheadError(
      failure('DATAPATH_PIN_DIRECTORY', `${directory} is no BPF file system: ${cause.message}`, {
        hint: `On the node: mount -t bpf bpf ${directory}`,
      }),
      { cause },
    );
  }
}

/** Engines that enforce on the node now, whoever started them. */
export function enforcingEngines({ netns, pinDir }: NodePlace): readonly EngineName[] {
  return [
    ...(pinnedGenerations(pinDir).length > 0 ? (['ebpf'] as const) : []),
    ...(hasNftablesTable(netns) ? (['nftables'] as const) : []),
  ];
}

/** Nothing is enforced by any engine any more. */
export function detachEngines({ netns, pinDir }: NodePlace): void {
  detachEbpfDatapath({ netns, pinDir });
  detachNftablesDatapath({ netns });
}

/** Takes out the engines that enforced before, once `engine` does; what they share stays. */
export function detachOtherEngines(engine: EngineName, place: NodePlace): void {
  for (const other of enforcingEngines(place)) {
    if (other === engine) continue;
    if (other === 'nftables') detachNftablesDatapath({ netns: place.netns, keepGuard: true });
    else detachEbpfDatapath({ pinDir: place.pinDir });
  }
}

/** Path of the compiled BPF programs: in dist/, which is this very folder once everything is bundled. */
export function bpfObject(): string {
  const [bundled, built] = ['./bulkhead.bpf.o', '../../dist/bulkhead.bpf.o'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return bundled !== undefined && existsSync(bundled) ? bundled : (built ?? '');
}
