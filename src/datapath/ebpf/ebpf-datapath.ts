/**
 * The eBPF datapath of one node: netfilter programs at FORWARD and LOCAL_IN of the node's network namespace, and their
 * tables. How a packet is judged: docs/datapath.md.
 */
import type { Delta } from '../../compiler/tables.ts';
import { forgetConnections } from '../../kernel/conntrack.ts';
import { NftWatch } from '../../kernel/nft-watch.ts';
import { RingBuffer } from '../../kernel/ring-buffer.ts';
import type { Counters, Datapath, Drift, FlowEvent } from '../datapath.ts';
import { guardTable } from '../guard.ts';
import { tableDrifts } from '../table-drifts.ts';
import { newPodAddresses } from '../new-pods.ts';
import { defaultCapacity } from './capacity.ts';
import type { Capacity } from './capacity.ts';
import { auditGeneration, isIntact } from './audit.ts';
import type { Generation } from './audit.ts';
import { conntrackTable, disableConntrack, enableConntrack } from './conntrack.ts';
import { readCounters } from './counters.ts';
import { decodeEvent } from './events.ts';
import {
  attachGeneration,
  leaveGeneration,
  pinnedGenerations,
  preparePinDirectory,
  removeGeneration,
} from './generations.ts';
import { flags } from './layout.ts';
import { auditMemory } from './memory-audit.ts';
import { loadObject } from './object.ts';
import type { LoadedObject } from './object.ts';
import { RuleUse } from './rule-use.ts';
import { requireBpf, thisMachine } from './requirements.ts';
import { inverse, Tables } from './tables.ts';

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
 * Loads the programs with empty tables. The first `apply` fills the tables, puts the programs into the hooks and takes
 * out what an earlier process left pinned there: until then that goes on enforcing.
 * Throws BulkheadError with the remedy if this machine can't.
 */
export function openEbpfDatapath(options: EbpfOptions): Datapath {
  requireBpf(thisMachine());
  preparePinDirectory(options.pinDir);
  // Before loading: types of conntrack may be in a module that only its first use brings in.
  enableConntrack(options.netns, options.podInterfacePrefix);
  return new EbpfDatapath(options);
}

class EbpfDatapath implements Datapath {
  readonly #options: EbpfOptions;
  readonly #object: LoadedObject;
  readonly #tables: Tables;
  readonly #ring: RingBuffer;
  readonly #rules = new RuleUse();
  readonly #nft: NftWatch;
  /** In the hooks; undefined: not yet. */
  #attached: Generation | undefined;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: EbpfOptions) {
    const { objectPath, podInterfacePrefix, events = true } = options;
    const capacity = { ...defaultCapacity, ...options.capacity };
    this.#options = options;
    const opened: { close(): void }[] = [];
    const opening = <T extends { close(): void }>(one: T): T => {
      opened.push(one);
      return one;
    };
    try {
      this.#object = opening(
        loadObject({
          objectPath,
          capacity,
          ...(podInterfacePrefix === undefined ? {} : { podInterfacePrefix }),
        }),
      );
      this.#tables = new Tables({ ...this.#object, capacity, flags: events ? flags.allowedEvents : 0 });
      this.#nft = opening(new NftWatch(options.netns, [guardTable, conntrackTable]));
      this.#ring = opening(new RingBuffer(this.#object.maps.events.fd, capacity.eventBytes));
    } catch (error) {
      for (const one of opened) one.close();
      throw error;
    }
  }

  apply(delta: Delta): void {
    this.#object.ruleCounters.clear(this.#rules.returning(delta));
    // At the start, pods are new to this process only.
    if (this.#attached) forgetConnections(this.#options.netns, newPodAddresses(delta));
    this.#tables.apply(delta);
    if (!this.#attached) this.#attach(delta);
    this.#rules.applied(delta);
    this.#sweepLater();
  }

  sweep(): void {
    clearTimeout(this.#sweeping);
    this.#tables.sweep();
  }

  counters(): Counters {
    return readCounters(this.#object, this.#rules.limit);
  }

  *audit(): Generator<readonly Drift[]> {
    if (this.#attached) yield auditGeneration(this.#attached);
    yield tableDrifts(this.#nft);
    yield* auditMemory(this.#object.memory);
  }

  intact(): boolean {
    return !this.#attached || (this.#nft.areThere() && isIntact(this.#attached));
  }

  drainEvents(limit: number, onEvent: (event: FlowEvent) => void): void {
    this.#ring.drain(limit, (view, offset) => {
      onEvent(decodeEvent(view, offset));
    });
  }

  close(): void {
    clearTimeout(this.#sweeping);
    this.#ring.close();
    this.#nft.close();
    if (this.#attached) leaveGeneration(this.#attached);
    this.#object.close();
  }

  detach(): void {
    this.close();
    detachEbpfDatapath(this.#options);
  }

  /** With the first tables whole; if that fails, the tables are empty again. */
  #attach(delta: Delta): void {
    const { netns, pinDir } = this.#options;
    const old = pinnedGenerations(pinDir);
    try {
      const object = this.#object;
      this.#attached = { object, netns, ...attachGeneration({ object, netns, pinDir }) };
    } catch (error) {
      this.#tables.apply(inverse(delta));
      throw error;
    }
    for (const one of old) removeGeneration(pinDir, one);
  }

  #sweepLater(): void {
    clearTimeout(this.#sweeping);
    this.#sweeping = setTimeout(() => {
      try {
        this.#tables.sweep();
      } catch {
        // The tables refuse further changes now, and the next apply says why.
      }
    }, sweepDelay).unref();
  }
}

/**
 * Takes out whatever is pinned for a node, whoever put it there: nothing is enforced any more. For cleaning up after a
 * process that is gone. `netns` is left out when the namespace no longer exists.
 */
export function detachEbpfDatapath({ netns, pinDir }: { netns?: string; pinDir: string }): void {
  for (const generation of pinnedGenerations(pinDir)) removeGeneration(pinDir, generation);
  if (netns !== undefined) disableConntrack(netns);
}
