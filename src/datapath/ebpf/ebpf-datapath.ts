/**
 * The eBPF datapath of one node: netfilter programs at FORWARD and LOCAL_IN of the node's network namespace, and their
 * tables. How a packet is judged: docs/datapath.md.
 */
import type { Delta } from '../../compiler/tables.ts';
import { RingBuffer } from '../../kernel/ring-buffer.ts';
import type { Datapath } from '../datapath.ts';
import { defaultCapacity } from './capacity.ts';
import type { Capacity } from './capacity.ts';
import { disableConntrack, enableConntrack } from './conntrack.ts';
import { readCounters } from './counters.ts';
import { decodeEvent } from './events.ts';
import { attachGeneration, pinnedGenerations, preparePinDirectory, removeGeneration } from './generations.ts';
import { flags } from './layout.ts';
import { loadObject } from './object.ts';
import { requireBpf, thisMachine } from './requirements.ts';
import { Tables } from './tables.ts';

export interface EbpfOptions {
  /** Path of the node's network namespace: /run/netns/NAME or /proc/PID/ns/net. */
  readonly netns: string;
  /** Directory in a BPF file system (see ensureBpffs) that is this node's alone; made if missing. */
  readonly pinDir: string;
  /** dist/bulkhead.bpf.o */
  readonly objectPath: string;
  readonly capacity?: Partial<Capacity>;
  /** An event for each new connection that is allowed, too; denied packets always make one. Default: true. */
  readonly events?: boolean;
  /**
   * What the names of pods' interfaces begin with in the node's namespace; the first eight characters count. Packets
   * that come in there with a source address that is no local pod's are then dropped. Default: nothing is known of
   * interfaces, and only the kernel's own reverse path filter keeps pods to their addresses.
   */
  readonly podInterfacePrefix?: string;
}

/** How long after a commit the sweep happens by itself, in milliseconds: out of the way of a burst of changes. */
const sweepDelay = 200;

/**
 * Loads the programs with empty tables. The first `apply` puts them into the hooks, with its tables whole, and takes
 * out what an earlier process left pinned there: until then that goes on enforcing.
 * Throws BulkheadError with the remedy if this machine can't.
 */
export function openEbpfDatapath(options: EbpfOptions): Datapath {
  requireBpf(thisMachine());
  const { netns, pinDir, objectPath, podInterfacePrefix } = options;
  const capacity = { ...defaultCapacity, ...options.capacity };
  preparePinDirectory(pinDir);
  enableConntrack(netns);
  const object = loadObject({
    objectPath,
    capacity,
    ...(podInterfacePrefix === undefined ? {} : { podInterfacePrefix }),
  });
  const { maps } = object;
  const tables = new Tables({ maps, capacity, flags: (options.events ?? true) ? flags.allowedEvents : 0 });
  const ring = new RingBuffer(maps.events.fd, capacity.eventBytes);
  const generation = Math.max(0, ...pinnedGenerations(pinDir)) + 1;
  let attached = false;
  let sweeping: NodeJS.Timeout | undefined;

  /** Empty tables let everything pass, so that until the commit the old generation alone decides. */
  const applyFirst = (delta: Delta): void => {
    const old = pinnedGenerations(pinDir);
    attachGeneration({ object, netns, pinDir, generation });
    try {
      tables.apply(delta);
    } catch (error) {
      removeGeneration(pinDir, generation);
      throw error;
    }
    for (const one of old) removeGeneration(pinDir, one);
    attached = true;
  };
  const sweep = (): void => {
    clearTimeout(sweeping);
    sweeping = undefined;
    tables.sweep();
  };
  const sweepLater = (): void => {
    clearTimeout(sweeping);
    sweeping = setTimeout(() => {
      // A failed sweep leaves the tables refusing further changes, and the next apply says so.
      try {
        sweep();
      } catch {
        sweeping = undefined;
      }
    }, sweepDelay).unref();
  };
  const close = (): void => {
    clearTimeout(sweeping);
    ring.close();
    object.close();
  };

  return {
    apply: (delta) => {
      if (attached) tables.apply(delta);
      else applyFirst(delta);
      sweepLater();
    },
    sweep,
    counters: () => readCounters(maps, tables.ruleLimit),
    drainEvents: (limit, onEvent) => {
      ring.drain(limit, (view, offset) => {
        onEvent(decodeEvent(view, offset));
      });
    },
    close,
    detach: () => {
      close();
      detachEbpfDatapath({ netns, pinDir });
    },
  };
}

/**
 * Takes out whatever is pinned for a node, whoever put it there: nothing is enforced any more. For cleaning up after a
 * process that is gone. `netns` is left out when the namespace no longer exists.
 */
export function detachEbpfDatapath({ netns, pinDir }: { netns?: string; pinDir: string }): void {
  for (const generation of pinnedGenerations(pinDir)) removeGeneration(pinDir, generation);
  if (netns !== undefined) disableConntrack(netns);
}
