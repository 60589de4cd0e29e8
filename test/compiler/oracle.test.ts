import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Compiler } from '../../src/compiler/compiler.ts';
import { emptyTables, computeDelta } from '../../src/compiler/delta.ts';
import { lookup } from '../../src/compiler/lookup.ts';
import { nodeTables } from '../../src/compiler/node-tables.ts';
import type { Program } from '../../src/compiler/program.ts';
import { TableModel } from '../../src/compiler/table-model.ts';
import type { Cidr } from '../../src/objects/ip.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { DirectionVerdict, Flow } from '../../src/policy/verdict.ts';
import { isUnprogrammed } from '../generate/flow.ts';
import { arbitraryScenario } from '../generate/scenario.ts';
import { arbitraryTieredScenario } from './tiered.ts';

/** A verdict as both sides can say it: the rule by its origin. */
function fromOracle({ allowed, reason, rule }: DirectionVerdict) {
  return { allowed, reason, origin: rule?.origin };
}

function fromProgram(program: Program, flow: Flow) {
  const { egress, ingress } = lookup(program, flow);
  const named = ({ allowed, reason, rule }: typeof egress) => ({
    allowed,
    reason,
    origin: program.rules.get(rule),
  });
  return { egress: named(egress), ingress: named(ingress) };
}

test.each([
  ['NetworkPolicies', arbitraryScenario],
  ['tiers with deny, pass and next', arbitraryTieredScenario],
])('a program answers as the oracle does, with the same rule and reason: %s', (_, scenarios) => {
  fc.assert(
    fc.property(scenarios, ({ cluster, policies, flows }) => {
      const program = new Compiler().compile(cluster, policies);
      for (const flow of flows) {
        const { egress, ingress } = evaluate(cluster, policies, flow);
        const expected = { egress: fromOracle(egress), ingress: fromOracle(ingress) };
        expect(fromProgram(program, flow)).toEqual(expected);
      }
    }),
    { numRuns: 250 },
  );
});

/** What a flow meets on its way: egress on the source's node, ingress on the destination's. */
function judgeOnNodes(models: readonly TableModel[], flow: Flow) {
  const verdicts = models.map((model) => model.judge(flow));
  return {
    egress: verdicts.every(({ egress }) => egress.allowed),
    ingress: verdicts.every(({ ingress }) => ingress.allowed),
  };
}

function modelsOf(cluster: Cluster, program: Program, podRanges: readonly Cidr[]): readonly TableModel[] {
  return [...cluster.nodes.keys()].map((name) => {
    const model = new TableModel();
    model.apply(computeDelta(emptyTables, nodeTables(program, name, podRanges)));
    return model;
  });
}

const anyScenario = fc.oneof(arbitraryScenario, arbitraryTieredScenario);

test('the tables of all nodes together answer as the oracle does', () => {
  fc.assert(
    fc.property(anyScenario, ({ cluster, policies, flows }) => {
      const models = modelsOf(cluster, new Compiler().compile(cluster, policies), []);
      for (const flow of flows) {
        const { egress, ingress } = evaluate(cluster, policies, flow);
        expect(judgeOnNodes(models, flow)).toEqual({ egress: egress.allowed, ingress: ingress.allowed });
      }
    }),
    { numRuns: 120 },
  );
});

test('with pod ranges they drop what comes from or goes to an address there that nobody has', () => {
  fc.assert(
    fc.property(anyScenario, ({ cluster, policies, flows }) => {
      const podRanges = [...cluster.nodes.values()].flatMap(({ podCIDRs }) => podCIDRs);
      const models = modelsOf(cluster, new Compiler().compile(cluster, policies), podRanges);
      for (const flow of flows) {
        const held = ![flow.source, flow.destination].some((end) => isUnprogrammed(cluster, end));
        const { egress, ingress } = judgeOnNodes(models, flow);
        expect(egress && ingress).toBe(held && evaluate(cluster, policies, flow).allowed);
      }
    }),
    { numRuns: 120 },
  );
});
