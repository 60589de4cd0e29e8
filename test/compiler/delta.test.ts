import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Compiler } from '../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../src/compiler/delta.ts';
import { nodeTables } from '../../src/compiler/node-tables.ts';
import type { Program } from '../../src/compiler/program.ts';
import { TableModel } from '../../src/compiler/table-model.ts';
import type { NodeTables } from '../../src/compiler/tables.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { arbitraryChange, arbitraryScenario } from '../generate/scenario.ts';
import type { Scenario } from '../generate/scenario.ts';
import { address, blocks, outsideAddresses } from '../generate/universe.ts';
import { canonicalTables } from './canonical.ts';

type State = Omit<Scenario, 'flows'>;

const nodes = ['n1', 'n2'] as const;

function podRanges(cluster: Cluster, strict: boolean) {
  return strict ? [...cluster.nodes.values()].flatMap(({ podCIDRs }) => podCIDRs) : [];
}

/** One of the two nodes through a sequence of states, as an agent would drive it. */
class DrivenNode {
  readonly model = new TableModel();
  readonly #name: string;
  readonly #strict: boolean;
  tables: NodeTables = emptyTables;

  constructor(name: string, strict: boolean) {
    this.#name = name;
    this.#strict = strict;
  }

  deltaTo({ cluster }: State, program: Program) {
    const next = nodeTables(program, this.#name, podRanges(cluster, this.#strict));
    const delta = computeDelta(this.tables, next);
    this.tables = next;
    return delta;
  }

  fresh({ cluster, policies }: State) {
    const program = new Compiler().compile(cluster, policies);
    return canonicalTables(program, nodeTables(program, this.#name, podRanges(cluster, this.#strict)));
  }
}

function judgeAll(model: TableModel, flows: readonly Flow[], epoch = model.epoch): boolean[] {
  return flows.map((flow) => model.judge(flow, epoch).allowed);
}

test.each(
  nodes.flatMap((name) => [
    { name, strict: false },
    { name, strict: true },
  ]),
)(
  'on the way to the new policy every packet sees the old one or the new one, whole: %o',
  ({ name, strict }) => {
    fc.assert(
      fc.property(arbitraryChange, ({ before, after, flows }) => {
        const compiler = new Compiler();
        const node = new DrivenNode(name, strict);
        const { model } = node;
        model.apply(node.deltaTo(before, compiler.compile(before.cluster, before.policies)));
        model.sweep();
        const old = judgeAll(model, flows);
        const oldEpoch = model.epoch;
        const delta = node.deltaTo(after, compiler.compile(after.cluster, after.policies));
        const seen = new Map<number, boolean[][]>();
        for (const _ of model.applySteps(delta)) {
          seen.set(model.epoch, [...(seen.get(model.epoch) ?? []), judgeAll(model, flows)]);
          expect(judgeAll(model, flows, oldEpoch)).toEqual(old);
        }
        const current = judgeAll(model, flows);
        for (const [epoch, verdicts] of seen) {
          for (const step of verdicts) expect(step).toEqual(epoch === oldEpoch ? old : current);
        }
        for (const _ of model.sweepSteps()) expect(judgeAll(model, flows)).toEqual(current);
      }),
      { numRuns: 40 },
    );
  },
);

test('no step allows what both policies deny or denies what both allow, with every pod on one node', () => {
  const moved = (state: State): State => ({
    ...state,
    cluster: {
      ...state.cluster,
      pods: new Map([...state.cluster.pods].map(([key, pod]) => [key, { ...pod, node: 'n1' }])),
    },
  });
  fc.assert(
    fc.property(arbitraryChange, (change) => {
      const [before, after] = [moved(change.before), moved(change.after)];
      const compiler = new Compiler();
      const node = new DrivenNode('n1', false);
      node.model.apply(node.deltaTo(before, compiler.compile(before.cluster, before.policies)));
      const delta = node.deltaTo(after, compiler.compile(after.cluster, after.policies));
      const settled = change.flows.flatMap((flow) => {
        const was = evaluate(before.cluster, before.policies, flow).allowed;
        const becomes = evaluate(after.cluster, after.policies, flow).allowed;
        return was === becomes ? [{ flow, allowed: was }] : [];
      });
      const check = () => {
        for (const { flow, allowed } of settled) expect(node.model.judge(flow).allowed).toBe(allowed);
      };
      for (const _ of node.model.applySteps(delta)) check();
      for (const _ of node.model.sweepSteps()) check();
    }),
    { numRuns: 60 },
  );
});

test('after five to ten changes the tables are those of a fresh compile, and nothing is left beside them', () => {
  const arbitraryStates = fc
    .tuple(fc.array(arbitraryChange, { minLength: 2, maxLength: 4 }), arbitraryScenario)
    .map(([changes, last]): State[] => [
      ...changes.flatMap(({ before, after }) => [before, after, before]),
      last,
    ]);
  fc.assert(
    // A node may refuse a change (a full map): the next one then starts from older tables.
    fc.property(
      arbitraryStates,
      fc.infiniteStream(fc.nat({ max: 4 })),
      fc.boolean(),
      (states, luck, strict) => {
        const compiler = new Compiler();
        const driven = nodes.map((name) => new DrivenNode(name, strict));
        for (const [index, state] of states.entries()) {
          const refused = luck.next().value === 4 && index < states.length - 1;
          const program = compiler.compile(state.cluster, state.policies);
          if (refused) continue;
          for (const node of driven) {
            node.model.apply(node.deltaTo(state, program));
            node.model.sweep();
            const held = node.model.tables();
            expect(canonicalTables(program, held)).toEqual(node.fresh(state));
            const size = held.addresses.size + held.cidrs.size + held.classes.size + held.ports.size;
            expect(node.model.size).toBe(size);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('a delta between equal tables is empty', () => {
  fc.assert(
    fc.property(arbitraryScenario, ({ cluster, policies }) => {
      const compiler = new Compiler();
      const node = new DrivenNode('n1', true);
      node.deltaTo({ cluster, policies }, compiler.compile(cluster, policies));
      const delta = node.deltaTo({ cluster, policies }, compiler.compile(cluster, policies.toReversed()));
      expect(delta).toEqual({
        add: { ports: [], classes: [] },
        stage: { addresses: [], cidrs: [] },
        sweep: { ports: [], classes: [] },
      });
    }),
    { numRuns: 50 },
  );
});

/** A pod whose egress set allows identities 1 and 3 and denies 0 and 2, and prefixes with those identities. */
const arbitraryPrefixes: fc.Arbitrary<NodeTables> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...blocks), fc.nat({ max: 3 })), { selector: ([{ text }]) => text })
  .map((rows) => ({
    addresses: new Map([[pod.text, { address: pod, value: podValue }]]),
    cidrs: new Map(rows.map(([block, identity]) => [block.text, { cidr: block, identity }])),
    classes: new Map(
      [1, 3].map((identity) => [`1:${identity}`, { set: 1, identity, class: 1, lengths: 2 ** 31 }]),
    ),
    ports: new Map([['1:0:0/0', { class: 1, protocol: 0, port: 0, prefixLength: 0, allow: true, rule: 1 }]]),
  }));
const pod = address('198.18.0.1');
const podValue = { identity: 0, ingressSet: 0, egressSet: 1, role: 'local-pod' } as const;

test('prefixes that come and go never change the answer of the prefixes around them', () => {
  const flows = outsideAddresses.map((destination) => ({ source: pod, destination, protocol: 6, port: 80 }));
  fc.assert(
    fc.property(arbitraryPrefixes, arbitraryPrefixes, (old, next) => {
      const [model, fresh] = [new TableModel(), new TableModel()];
      model.apply(computeDelta(emptyTables, old));
      model.sweep();
      fresh.apply(computeDelta(emptyTables, next));
      const [before, after, epoch] = [judgeAll(model, flows), judgeAll(fresh, flows), model.epoch];
      const check = () => expect(judgeAll(model, flows)).toEqual(model.epoch === epoch ? before : after);
      for (const _ of model.applySteps(computeDelta(old, next))) check();
      for (const _ of model.sweepSteps()) check();
      expect(model.tables().cidrs).toEqual(next.cidrs);
    }),
    { numRuns: 150 },
  );
});

test('tables of different compilers are refused rather than mixed', () => {
  const withRule = (rule: number): NodeTables => ({
    ...emptyTables,
    ports: new Map([['1:6:80/16', { class: 1, protocol: 6, port: 80, prefixLength: 16, allow: true, rule }]]),
  });
  expect(() => computeDelta(withRule(1), withRule(2))).toThrow(/two meanings/);
});
