/** Histories of a cluster: whatever happens, and whoever refuses, each node enforces what a fresh compile would give it. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { Enforcer } from '../../../src/agent/enforcer.ts';
import { Compiler } from '../../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../../src/compiler/delta.ts';
import { nodeTables } from '../../../src/compiler/node-tables.ts';
import type { Program } from '../../../src/compiler/program.ts';
import { TableModel } from '../../../src/compiler/table-model.ts';
import type { NodeTables } from '../../../src/compiler/tables.ts';
import { translatePolicies } from '../../../src/dialects/translate.ts';
import { BulkheadError } from '../../../src/errors.ts';
import type { Cluster, Node } from '../../../src/objects/model.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Policy } from '../../../src/policy/ir.ts';
import type { Flow } from '../../../src/policy/verdict.ts';
import { canonicalTables } from '../../compiler/canonical.ts';
import { NodeView } from '../../datapath/node-view.ts';
import { buildFlow } from '../../generate/flow.ts';
import { nodeNames } from '../../generate/universe.ts';
import { parseReadable, printReadable } from '../readable-json.ts';
import { Tally } from '../target.ts';
import type { Session, Target } from '../target.ts';
import { after, arbitraryHistory, clusterAt, firstMoment } from './history.ts';
import type { History, Step } from './history.ts';
import { WatchedDatapath } from './watched-datapath.ts';

/** A cluster, and what is right for it. */
class Right {
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
  readonly program: Program;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.policies = translatePolicies(cluster);
    this.program = new Compiler().compile(cluster, this.policies);
  }

  node(name: string): Node {
    return this.cluster.nodes.get(name) ?? { name, labels: {}, addresses: [], podCIDRs: [] };
  }

  tables(name: string): NodeTables {
    return nodeTables(this.program, name, this.node(name).podCIDRs);
  }

  /** By the oracle: what the node must say of each. */
  verdicts(name: string, flows: readonly Flow[]): boolean[] {
    const view = new NodeView({ cluster: this.cluster, program: this.program, node: this.node(name) });
    return flows.map((flow) => {
      const { egress, ingress } = evaluate(this.cluster, this.policies, flow);
      return view.expected(flow.source, egress).allowed && view.expected(flow.destination, ingress).allowed;
    });
  }
}

/** One history, as an agent would go through it. */
class Run {
  readonly #enforcer = new Enforcer();
  readonly #datapaths = new Map<string, WatchedDatapath>();
  readonly #history: History;
  readonly #tally: Tally;
  #enforced = new Right(clusterAt({ ...firstMoment(noBlueprint), nodes: new Map() }));

  constructor(history: History, tally: Tally) {
    this.#history = history;
    this.#tally = tally;
    for (const name of nodeNames) this.#toggle(name);
  }

  go(): void {
    let moment = firstMoment(this.#history.blueprint);
    let cluster = clusterAt(moment);
    this.#update(new Right(cluster));
    for (const step of this.#history.steps) {
      moment = step.happenings.reduce(after, moment);
      cluster = clusterAt(moment, step.keepsObjects ? cluster : undefined);
      if (step.toggled !== undefined) this.#toggle(step.toggled);
      this.#update(new Right(cluster), step);
    }
  }

  #toggle(name: string): void {
    if (this.#datapaths.delete(name)) {
      this.#enforcer.removeNode(name);
      return;
    }
    const datapath = new WatchedDatapath(this.#history.room);
    this.#datapaths.set(name, datapath);
    this.#enforcer.addNode(name, datapath);
  }

  #update(next: Right, step?: Step): void {
    const flows = this.#history.flows.flatMap((seed) =>
      [this.#enforced.cluster, next.cluster].map((cluster) => buildFlow(cluster, seed)),
    );
    const was = new Map<string, readonly boolean[]>();
    for (const [name, datapath] of this.#datapaths) {
      const target = new TableModel();
      target.apply(computeDelta(emptyTables, next.tables(name)));
      datapath.watch(flows, target);
      datapath.refuses = name === step?.refusedBy;
      was.set(name, datapath.verdicts(flows));
    }
    const isTaken = this.#isTaken(next);
    this.#tally.count(isTaken ? 'updates taken' : 'updates refused');
    for (const [name, datapath] of this.#datapaths) {
      this.#tally.count('map writes, each looked at', datapath.writes);
      this.#tally.count('verdicts compared with the oracle', isTaken ? flows.length : 0);
      datapath.writes = 0;
      const wanted = isTaken ? next.verdicts(name, flows) : was.get(name);
      deepStrictEqual(datapath.verdicts(flows), wanted, `${name}: verdicts`);
      if (isTaken) this.#compareTables(name, datapath, next);
    }
    if (isTaken) this.#enforced = next;
  }

  #isTaken({ cluster }: Right): boolean {
    const before = this.#enforcer.enforced;
    try {
      this.#enforcer.update(cluster);
      return true;
    } catch (error) {
      if (!(error instanceof BulkheadError)) throw error;
      strictEqual(error.code, 'DATAPATH_FULL');
      strictEqual(this.#enforcer.enforced, before);
      return false;
    }
  }

  /** What the node holds is what a fresh compile gives it, and nothing beside that. */
  #compareTables(name: string, datapath: WatchedDatapath, next: Right): void {
    datapath.sweep();
    const legend = this.#enforcer.enforced?.legend;
    ok(legend);
    const held = datapath.model.tables();
    deepStrictEqual(
      canonicalTables(legend, held),
      canonicalTables(next.program, next.tables(name)),
      `${name}: tables`,
    );
    strictEqual(
      datapath.model.size,
      held.addresses.size + held.cidrs.size + held.classes.size + held.ports.size,
      `${name}: rows`,
    );
  }
}

const noBlueprint = { families: [4, 6], namespaceLabels: [], pods: [], policies: [] } as const;

class ChangeSession implements Session<History> {
  readonly #tally = new Tally();

  attempt(history: History): void {
    new Run(history, this.#tally).go();
  }

  tally(): Readonly<Record<string, number>> {
    return this.#tally.counts;
  }

  close(): void {}
}

export const changeTarget: Target<History> = {
  name: 'changes',
  arbitrary: arbitraryHistory,
  file: {
    extension: 'json',
    print: printReadable,
    parse: (content) => parseReadable(content.toString()) as History,
  },
  open: () => new ChangeSession(),
};
