/**
 * The nftables datapath of one node: a table of our own in the node's network namespace, whose rules are always the same
 * and whose sets hold the policies. How a packet is judged: docs/nftables.md.
 */
import { randomInt } from 'node:crypto';
import { computeDelta, emptyTables } from '../../compiler/delta.ts';
import type { Delta, NodeTables } from '../../compiler/tables.ts';
import { BulkheadError, failure } from '../../errors.ts';
import { forgetConnections } from '../../kernel/conntrack.ts';
import { waitForPackets } from '../../kernel/grace-period.ts';
import { NetfilterLog } from '../../kernel/netfilter-log.ts';
import { loadNft } from '../../kernel/nft.ts';
import { NftWatch } from '../../kernel/nft-watch.ts';
import type { Change } from '../../kernel/nftables-changes.ts';
import { NftablesTable, RefusedChange } from '../../kernel/nftables-table.ts';
import type { NamedCounter } from '../../kernel/nftables-table.ts';
import type { Counters, Datapath, Drift, FlowEvent } from '../datapath.ts';
import { guardRules, guardTable, withoutGuard } from '../guard.ts';
import { newPodAddresses } from '../new-pods.ts';
import { tableDrifts } from '../table-drifts.ts';
import { adopt } from './adopt.ts';
import { defaultCapacity } from './capacity.ts';
import type { NftablesCapacity } from './capacity.ts';
import { hookChains } from './chains.ts';
import { countersOf } from './counters.ts';
import { flowEvent } from './events.ts';
import { HeldTables } from './held-tables.ts';
import { refusalError } from './refusal.ts';
import { newTable } from './ruleset.ts';
import type { NewTable } from './ruleset.ts';
import { inForce } from './sets.ts';
import { Tables } from './tables.ts';

export interface NftablesOptions {
  /** Path of the node's network namespace: /run/netns/NAME or /proc/PID/ns/net. */
  readonly netns: string;
  readonly capacity?: Partial<NftablesCapacity>;
  /** An event for each new connection that is allowed, too; denied packets always make one. Default: true. */
  readonly events?: boolean;
  /** What the names of pods' interfaces begin with in the node's namespace, if they do. */
  readonly podInterfacePrefix?: string;
  /** The nfnetlink_log group that events come by; one reader at a time. Default: 2410. */
  readonly logGroup?: number;
}

export const tableName = 'bulkhead';
/** Judges beside a table that is made anew under its name, so that no packet meets half of either. */
const standInName = 'bulkhead-stand-in';
const defaultLogGroup = 2410;

/** How long after a commit the sweep happens by itself, in milliseconds: out of the way of a burst of changes. */
const sweepDelay = 200;

/** Events that wait to be taken while the tables that explain them change. */
const waitingLimit = 65_536;

/**
 * Looks at what is there and changes nothing but the guard. The first `apply` makes the table, or takes over what an
 * earlier process left: until then that goes on enforcing. Throws BulkheadError NFTABLES_UNAVAILABLE.
 */
export function openNftablesDatapath(options: NftablesOptions): Datapath {
  loadRules(options.netns, guardRules(options.podInterfacePrefix));
  return new NftablesDatapath(options);
}

/**
 * Takes the table away, whoever put it there: nothing is enforced any more. `keepGuard` where another engine enforces,
 * which shares the guard.
 */
export function detachNftablesDatapath({
  netns,
  keepGuard = false,
}: {
  readonly netns: string;
  readonly keepGuard?: boolean;
}): void {
  const withoutTables = [standInName, tableName].map(
    (name) => `add table inet ${name}\ndelete table inet ${name}`,
  );
  loadRules(netns, [...withoutTables, ...(keepGuard ? [] : [withoutGuard])].join('\n'));
}

/** Whether a table judges, whoever made it. */
export function hasNftablesTable(netns: string): boolean {
  return [tableName, standInName].some((name) => {
    const table = new NftablesTable(netns, name);
    try {
      return table.exists();
    } finally {
      table.close();
    }
  });
}

function commit(table: NftablesTable, changes: readonly Change[]): void {
  try {
    table.commit(changes);
  } catch (error) {
    throw error instanceof RefusedChange ? refusalError(error) : error;
  }
}

/**
 * Takes a table away, if it is there, whoever made it. A packet that is in it when it goes would find the sets empty: first
 * no packet is led there any more, and whoever owned the table can't lead one there again.
 */
function retire(table: NftablesTable): void {
  if (!table.exists()) return;
  const owner = table.elements(inForce) ?? [];
  commit(table, [
    ...hookChains
      .filter((chain) => table.hasChain(chain))
      .map((chain): Change => ({ kind: 'flush-chain', chain })),
    ...(owner.length > 0 ? [{ kind: 'delete-elements', set: inForce, elements: owner } as const] : []),
  ]);
  waitForPackets(performance.now());
  commit(table, [{ kind: 'delete-table' }]);
}

function loadRules(netns: string, script: string): void {
  try {
    loadNft(netns, script);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BulkheadError(
      failure('NFTABLES_UNAVAILABLE', `nftables rules can't be set in ${netns}: ${reason}`, {
        hint: 'Install nftables (apt-get install nftables); the kernel needs CONFIG_NF_TABLES_INET and CONFIG_NFT_FIB_INET.',
      }),
      { cause },
    );
  }
}

class NftablesDatapath implements Datapath {
  readonly #netns: string;
  readonly #new: NewTable;
  readonly #table: NftablesTable;
  readonly #log: NetfilterLog;
  readonly #capacity: NftablesCapacity;
  readonly #tables: Tables;
  readonly #held = new HeldTables();
  #waiting: FlowEvent[] = [];
  #dropped = 0n;
  #baseline: ReadonlyMap<string, NamedCounter> = new Map();
  #nft: NftWatch | undefined;
  #begun = false;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: NftablesOptions) {
    const { netns, podInterfacePrefix, events = true, logGroup = defaultLogGroup } = options;
    this.#netns = netns;
    this.#new = newTable({ podInterfacePrefix, logGroup, allowedEvents: events });
    this.#table = new NftablesTable(netns, tableName);
    this.#log = new NetfilterLog(netns, logGroup);
    this.#capacity = { ...defaultCapacity, ...options.capacity };
    this.#tables = this.#tablesIn(this.#table);
  }

  apply(delta: Delta): void {
    // What was logged until now is explained by the tables that it was judged by.
    this.#collect(waitingLimit);
    if (this.#begun) {
      forgetConnections(this.#netns, newPodAddresses(delta));
      this.#tables.apply(delta);
    } else {
      // Pods are new to this process only.
      this.#begin(delta);
    }
    this.#held.apply(delta);
    this.#sweepLater();
  }

  sweep(): void {
    clearTimeout(this.#sweeping);
    this.#tables.sweep();
  }

  counters(): Counters {
    const lostEvents = this.#log.lost + this.#dropped;
    return { ...countersOf(this.#table.counters(), this.#baseline), lostEvents };
  }

  *audit(tables: NodeTables): Generator<readonly Drift[]> {
    if (this.#nft) yield tableDrifts(this.#nft);
    if (!this.#table.exists()) return;
    this.sweep();
    const found = adopt((set) => this.#table.elements(set), computeDelta(emptyTables, tables));
    const differing = found ? found.changes.length + found.sweep.length : undefined;
    if (differing === 0) return;
    yield [{ kind: 'rows', detail: `elements of the sets of inet ${tableName} are not as they were left` }];
  }

  intact(): boolean {
    return this.#nft?.areThere() ?? true;
  }

  drainEvents(limit: number, onEvent: (event: FlowEvent) => void): void {
    this.#collect(limit - this.#waiting.length);
    const taken = this.#waiting.splice(0, limit);
    for (const event of taken) onEvent(event);
  }

  close(): void {
    clearTimeout(this.#sweeping);
    this.#table.close();
    this.#nft?.close();
    this.#log.close();
  }

  detach(): void {
    this.close();
    detachNftablesDatapath({ netns: this.#netns });
  }

  #begin(delta: Delta): void {
    const exists = this.#table.exists();
    const known = exists && this.#table.hasChain(this.#new.fingerprint);
    const adopted = known ? adopt((set) => this.#table.elements(set), delta) : undefined;
    const standIn = new NftablesTable(this.#netns, standInName);
    try {
      if (adopted) {
        this.#baseline = new Map(this.#table.counters().map((counter) => [counter.name, counter]));
        this.#tables.adopt(delta, adopted);
      } else {
        if (exists) {
          retire(standIn);
          this.#tablesIn(standIn).begin(delta, this.#new.changes);
          retire(this.#table);
        }
        this.#tables.begin(delta, this.#new.changes);
      }
      retire(standIn);
    } finally {
      standIn.close();
    }
    this.#nft = new NftWatch(this.#netns, [guardTable, `inet ${tableName}`]);
    this.#begun = true;
  }

  #tablesIn(table: NftablesTable): Tables {
    // What somebody else has committed may have been just now.
    let committed: number | undefined;
    return new Tables({
      commit: (changes) => {
        commit(table, changes);
        committed = performance.now();
      },
      waitForPackets: () => {
        waitForPackets(committed ?? performance.now());
      },
      owner: randomInt(2 ** 32),
      capacity: this.#capacity,
    });
  }

  #collect(limit: number): void {
    if (limit <= 0) return;
    this.#log.drain(limit, (packet) => {
      const event = flowEvent(packet, this.#held);
      if (!event) return;
      if (this.#waiting.length < waitingLimit) this.#waiting.push(event);
      else this.#dropped += 1n;
    });
  }

  #sweepLater(): void {
    clearTimeout(this.#sweeping);
    this.#sweeping = setTimeout(() => {
      try {
        this.#tables.sweep();
      } catch {
        // What is left over is reached by no packet; the next apply tries again, and says why it can't.
      }
    }, sweepDelay).unref();
  }
}
