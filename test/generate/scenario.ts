/** What property tests start from: a cluster with its policies translated and flows to judge; or a change of one. */
import * as fc from 'fast-check';
import { translatePolicies } from '../../src/dialects/translate.ts';
import type { Cluster } from '../../src/objects/model.ts';
import type { Policy } from '../../src/policy/ir.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { arbitraryBlueprint, buildCluster } from './cluster.ts';
import type { Blueprint } from './cluster.ts';
import { arbitraryEdit, edited } from './edit.ts';
import { arbitraryFlowSeed, buildFlow } from './flow.ts';

export interface Scenario {
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
  readonly flows: readonly Flow[];
}

export interface Change {
  readonly before: Omit<Scenario, 'flows'>;
  readonly after: Omit<Scenario, 'flows'>;
  /** Between addresses of both. */
  readonly flows: readonly Flow[];
}

const arbitraryFlowSeeds = fc.array(arbitraryFlowSeed, { minLength: 20, maxLength: 60 });

export const arbitraryScenario: fc.Arbitrary<Scenario> = fc
  .tuple(arbitraryBlueprint, arbitraryFlowSeeds)
  .map(([blueprint, seeds]) => {
    const state = build(blueprint);
    return { ...state, flows: seeds.map((seed) => buildFlow(state.cluster, seed)) };
  });

/** One to three edits, or (rarely) a whole other cluster. */
export const arbitraryChange: fc.Arbitrary<Change> = fc
  .record({
    blueprint: arbitraryBlueprint,
    edits: fc.array(arbitraryEdit, { minLength: 1, maxLength: 3 }),
    other: fc.option(arbitraryBlueprint, { freq: 9, nil: undefined }),
    seeds: arbitraryFlowSeeds,
  })
  .map(({ blueprint, edits, other, seeds }) => {
    const next = edits.reduce(edited, blueprint);
    const before = build(blueprint);
    const after = build(other ? { ...other, families: blueprint.families } : next);
    const clusters = [before.cluster, after.cluster];
    const flows = seeds.flatMap((seed) => clusters.map((cluster) => buildFlow(cluster, seed)));
    return { before, after, flows };
  });

/** Five to twelve states of one cluster: edit after edit, now and then one undone, at last perhaps another cluster. */
export const arbitraryHistory: fc.Arbitrary<readonly Omit<Scenario, 'flows'>[]> = fc
  .record({
    blueprint: arbitraryBlueprint,
    edits: fc.array(fc.tuple(arbitraryEdit, fc.boolean()), { minLength: 4, maxLength: 8, size: 'max' }),
    other: fc.option(arbitraryBlueprint, { freq: 2, nil: undefined }),
  })
  .map(({ blueprint, edits, other }) => {
    const states = [blueprint];
    let current = blueprint;
    for (const [edit, isUndone] of edits) {
      const next = edited(current, edit);
      states.push(next);
      if (isUndone) states.push(current);
      else current = next;
    }
    if (other) states.push({ ...other, families: blueprint.families });
    return states.slice(0, 12).map(build);
  });

function build(blueprint: Blueprint): Omit<Scenario, 'flows'> {
  const cluster = buildCluster(blueprint);
  return { cluster, policies: translatePolicies(cluster) };
}
