/**
 * From a cluster to the kernel: translate, follow the change, and have every node's datapath take its delta. All nodes
 * change or none does.
 */
import { deltaSize, reverseDelta } from '../compiler/delta.ts';
import { changeBetween } from '../compiler/live/change.ts';
import { LiveCompiler } from '../compiler/live/live-compiler.ts';
import type { Legend } from '../compiler/program.ts';
import type { Delta, NodeTables } from '../compiler/tables.ts';
import type { Datapath } from '../datapath/datapath.ts';
import { translatePolicies } from '../dialects/translate.ts';
import { BulkheadError, failure } from '../errors.ts';
import type { Cluster } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';

/** What the kernel enforces now. */
export interface Enforced {
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
  readonly legend: Legend;
}

/** How long each stage of one update took, in milliseconds, and how much of the tables it touched on all nodes. */
export interface UpdateTimings {
  readonly translateMs: number;
  /** From the change of the cluster to the change of every node's tables. */
  readonly compileMs: number;
  /** These as deltas. */
  readonly deltaMs: number;
  /** From the first map write to the last node's commit. */
  readonly kernelMs: number;
  readonly entries: number;
}

interface NodeChange {
  readonly name: string;
  readonly datapath: Datapath;
  readonly delta: Delta;
}

export class Enforcer {
  readonly #compiler = new LiveCompiler();
  readonly #datapaths = new Map<string, Datapath>();
  #enforced: Enforced | undefined;
  /** Set once some node could not be taken back: its tables are not those that are noted here. */
  #differing: BulkheadError | undefined;

  /** The last update that took effect on every node. */
  get enforced(): Enforced | undefined {
    return this.#enforced;
  }

  get datapaths(): ReadonlyMap<string, Datapath> {
    return new Map(this.#datapaths);
  }

  /** The tables that the node's datapath holds; they change with every update. */
  tables(node: string): NodeTables | undefined {
    return this.#compiler.tables(node);
  }

  /** Takes charge of a node's datapath, whose tables must be empty. */
  addNode(name: string, datapath: Datapath): void {
    this.#compiler.addNode(name);
    this.#datapaths.set(name, datapath);
  }

  /** Ends enforcement on a node that is to go, with everything on it. */
  removeNode(name: string): void {
    this.#datapaths.get(name)?.detach();
    this.#datapaths.delete(name);
    this.#compiler.removeNode(name);
  }

  /**
   * Makes every node enforce the cluster's policies; returns when the kernel does.
   * Throws BulkheadError when a node refuses (a full map): then every node enforces what it did before. If one can't
   * be brought back to that (ENFORCER_NODES_DIFFER), this and every later update is refused.
   */
  update(cluster: Cluster): UpdateTimings {
    if (this.#differing) throw this.#differing;
    const start = performance.now();
    const policies = translatePolicies(cluster);
    const translated = performance.now();
    const next = { cluster, policies };
    this.#compiler.update(changeBetween(this.#enforced, next));
    const compiled = performance.now();
    const changes = this.#changes();
    const computed = performance.now();
    try {
      applyEverywhere(changes);
    } catch (error) {
      if (error instanceof BulkheadError && error.code === 'ENFORCER_NODES_DIFFER') this.#differing = error;
      this.#compiler.update(changeBetween(next, this.#enforced ?? nothing));
      throw error;
    }
    const applied = performance.now();
    this.#compiler.accept();
    this.#enforced = { ...next, legend: this.#compiler.legend() };
    return {
      translateMs: translated - start,
      compileMs: compiled - translated,
      deltaMs: computed - compiled,
      kernelMs: applied - computed,
      entries: changes.reduce((sum, change) => sum + deltaSize(change.delta), 0),
    };
  }

  /** Computes what updates compute, beside what is enforced; touches no datapath. */
  rehearse(): void {
    if (!this.#enforced) return;
    const { cluster } = this.#enforced;
    const compiler = new LiveCompiler();
    for (const name of this.#datapaths.keys()) compiler.addNode(name);
    const unguarded = { cluster, policies: [] };
    const guarded = { cluster, policies: translatePolicies(cluster) };
    for (const [before, after] of [
      [undefined, unguarded],
      [unguarded, guarded],
    ] as const) {
      compiler.update(changeBetween(before, after));
      compiler.deltas();
      compiler.accept();
    }
  }

  /** Lets go of the datapaths; the kernel goes on enforcing. */
  close(): void {
    for (const datapath of this.#datapaths.values()) datapath.close();
    this.#datapaths.clear();
  }

  #changes(): NodeChange[] {
    const deltas = this.#compiler.deltas();
    return [...this.#datapaths].flatMap(([name, datapath]) => {
      const delta = deltas.get(name);
      return delta ? [{ name, datapath, delta }] : [];
    });
  }
}

const nothing = {
  cluster: { namespaces: new Map(), nodes: new Map(), pods: new Map() },
  policies: [],
} as const;

function applyEverywhere(changes: readonly NodeChange[]): void {
  const done: NodeChange[] = [];
  // A node without any change is left alone, on the way there and on the way back.
  for (const change of changes.filter(({ delta }) => deltaSize(delta) > 0)) {
    try {
      change.datapath.apply(change.delta);
      done.push(change);
    } catch (error) {
      takeBack(done, error);
      throw error;
    }
  }
}

/** Returns nodes to the tables they had, all that can. */
function takeBack(done: readonly NodeChange[], cause: unknown): void {
  const stuck = done.filter((change) => !returns(change));
  if (stuck.length === 0) return;
  const names = stuck.map(({ name }) => name).join(', ');
  throw new BulkheadError(
    failure('ENFORCER_NODES_DIFFER', `${names} could not return to the policies enforced before`, {
      hint: 'Take the lab down and up again: its nodes enforce different versions of the policies.',
    }),
    { cause },
  );
}

/** The sweep first, so that the datapath holds exactly what the delta led to. */
function returns({ datapath, delta }: NodeChange): boolean {
  try {
    datapath.sweep();
    datapath.apply(reverseDelta(delta));
    return true;
  } catch {
    return false;
  }
}
