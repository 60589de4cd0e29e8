/**
 * From a cluster to the kernel: translate, compile, and move every node's datapath from the tables it holds to the
 * tables it should hold. All nodes change or none does.
 */
import type { Compiler } from '../compiler/compiler.ts';
import { computeDelta, emptyTables } from '../compiler/delta.ts';
import { nodeTables } from '../compiler/node-tables.ts';
import type { Program } from '../compiler/program.ts';
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
  readonly program: Program;
}

/** How long each stage of one update took, in milliseconds, and how much of the tables it touched on all nodes. */
export interface UpdateTimings {
  readonly translateMs: number;
  readonly compileMs: number;
  /** Per-node tables and deltas. */
  readonly deltaMs: number;
  /** From the first map write to the last node's commit. */
  readonly kernelMs: number;
  readonly entries: number;
}

interface EnforcedNode {
  readonly datapath: Datapath;
  tables: NodeTables;
}

interface NodeChange {
  readonly name: string;
  readonly node: EnforcedNode;
  readonly next: NodeTables;
  readonly delta: Delta;
}

export class Enforcer {
  readonly #compiler: Pick<Compiler, 'compile' | 'takeBack'>;
  readonly #nodes = new Map<string, EnforcedNode>();
  #enforced: Enforced | undefined;
  /** Set once some node could not be taken back: its tables are not those that are noted here. */
  #differing: BulkheadError | undefined;

  constructor(compiler: Pick<Compiler, 'compile' | 'takeBack'>) {
    this.#compiler = compiler;
  }

  /** The last update that took effect on every node. */
  get enforced(): Enforced | undefined {
    return this.#enforced;
  }

  get datapaths(): ReadonlyMap<string, Datapath> {
    return new Map([...this.#nodes].map(([name, node]) => [name, node.datapath]));
  }

  /** The tables that the node's datapath holds. */
  tables(node: string): NodeTables | undefined {
    return this.#nodes.get(node)?.tables;
  }

  /** Takes charge of a node's datapath, whose tables must be empty. */
  addNode(name: string, datapath: Datapath): void {
    if (this.#nodes.has(name)) throw new Error(`node ${name} has a datapath already`);
    this.#nodes.set(name, { datapath, tables: emptyTables });
  }

  /** Ends enforcement on a node that is to go, with everything on it. */
  removeNode(name: string): void {
    this.#nodes.get(name)?.datapath.detach();
    this.#nodes.delete(name);
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
    const program = this.#compiler.compile(cluster, policies);
    const compiled = performance.now();
    const changes = [...this.#nodes].map(([name, node]) => this.#change({ name, node, program, cluster }));
    const computed = performance.now();
    try {
      applyEverywhere(changes);
    } catch (error) {
      if (error instanceof BulkheadError && error.code === 'ENFORCER_NODES_DIFFER') this.#differing = error;
      this.#compiler.takeBack();
      throw error;
    }
    const applied = performance.now();
    for (const { node, next } of changes) node.tables = next;
    this.#enforced = { cluster, policies, program };
    return {
      translateMs: translated - start,
      compileMs: compiled - translated,
      deltaMs: computed - compiled,
      kernelMs: applied - computed,
      entries: changes.reduce((sum, change) => sum + deltaSize(change.delta), 0),
    };
  }

  /** Computes what an update computes, for what is enforced already, and drops it; touches no datapath. */
  rehearse(): void {
    if (!this.#enforced) return;
    const { cluster } = this.#enforced;
    const program = this.#compiler.compile(cluster, translatePolicies(cluster));
    for (const [name, node] of this.#nodes) this.#change({ name, node, program, cluster });
  }

  /** Lets go of the datapaths; the kernel goes on enforcing. */
  close(): void {
    for (const node of this.#nodes.values()) node.datapath.close();
    this.#nodes.clear();
  }

  #change(options: { name: string; node: EnforcedNode; program: Program; cluster: Cluster }): NodeChange {
    const { name, node, program, cluster } = options;
    const next = nodeTables(program, name, cluster.nodes.get(name)?.podCIDRs ?? []);
    return { name, node, next, delta: computeDelta(node.tables, next) };
  }
}

/** Number of map entries that a delta writes or removes. */
export function deltaSize({ add, stage, sweep }: Delta): number {
  const rows = [add.ports, add.classes, stage.addresses, stage.cidrs, sweep.ports, sweep.classes];
  return rows.reduce((sum, list) => sum + list.length, 0);
}

function applyEverywhere(changes: readonly NodeChange[]): void {
  const done: NodeChange[] = [];
  for (const change of changes) {
    try {
      if (deltaSize(change.delta) > 0) change.node.datapath.apply(change.delta);
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

/** The sweep first, so that the datapath holds exactly `next`. */
function returns({ node, next }: NodeChange): boolean {
  try {
    node.datapath.sweep();
    node.datapath.apply(computeDelta(next, node.tables));
    return true;
  } catch {
    return false;
  }
}
