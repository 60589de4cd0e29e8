/** A compiler that follows a cluster, beside the kernels of the nodes and a fresh compile. */
import { Compiler } from '../../../src/compiler/compiler.ts';
import { changeBetween } from '../../../src/compiler/live/change.ts';
import { LiveCompiler } from '../../../src/compiler/live/live-compiler.ts';
import type { LiveOptions } from '../../../src/compiler/live/live-compiler.ts';
import { nodeTables } from '../../../src/compiler/node-tables.ts';
import { TableModel } from '../../../src/compiler/table-model.ts';
import type { Delta, NodeTables } from '../../../src/compiler/tables.ts';
import type { Scenario } from '../../generate/scenario.ts';
import { canonicalTables } from '../canonical.ts';

export type State = Omit<Scenario, 'flows'>;

export const nodes = ['n1', 'n2'] as const;

/** What a fresh compile gives the node, in contents. */
function fresh({ cluster, policies }: State, node: string) {
  const program = new Compiler().compile(cluster, policies);
  return canonicalTables(program, nodeTables(program, node, cluster.nodes.get(node)?.podCIDRs ?? []));
}

export class Followed {
  readonly compiler: LiveCompiler;
  readonly models = new Map<string, TableModel>();
  #state: State | undefined;

  constructor(names: readonly string[] = nodes, options?: LiveOptions) {
    this.compiler = new LiveCompiler(options);
    for (const name of names) this.addNode(name);
  }

  addNode(name: string): void {
    this.compiler.addNode(name);
    this.models.set(name, new TableModel());
  }

  update(next: State): ReadonlyMap<string, Delta> {
    this.compiler.update(changeBetween(this.#state, next));
    this.#state = next;
    return this.compiler.deltas();
  }

  /** All nodes take the update. */
  move(next: State): ReadonlyMap<string, Delta> {
    const deltas = this.update(next);
    this.take(deltas);
    return deltas;
  }

  take(deltas: ReadonlyMap<string, Delta>): void {
    for (const [name, delta] of deltas) {
      this.models.get(name)?.apply(delta);
      this.models.get(name)?.sweep();
    }
    this.compiler.accept();
  }

  tables(node: string): NodeTables {
    const tables = this.compiler.tables(node);
    if (!tables) throw new Error(`${node} is not followed`);
    return { ...tables, addresses: new Map(tables.addresses) };
  }

  /** Of each node: its tables by contents, what its kernel holds, and how many rows that is. */
  held() {
    return [...this.models].map(([name, model]) => ({
      tables: canonicalTables(this.compiler.legend(), this.tables(name)),
      inKernel: model.tables(),
      rowsInKernel: model.size,
    }));
  }

  /** What `held` has to be. */
  wanted(state: State): ReturnType<Followed['held']> {
    return [...this.models.keys()].map((name) => {
      const inKernel = this.tables(name);
      const { addresses, cidrs, classes, ports } = inKernel;
      const rowsInKernel = addresses.size + cidrs.size + classes.size + ports.size;
      return { tables: fresh(state, name), inKernel, rowsInKernel };
    });
  }
}
