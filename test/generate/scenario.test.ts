import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Reason } from '../../src/policy/verdict.ts';
import { isUnprogrammed } from './flow.ts';
import { arbitraryChange, arbitraryScenario } from './scenario.ts';

const seed = 1;

describe('generated scenarios', () => {
  it('reach every reason, both verdicts in both directions, and every kind of address', () => {
    const seen = new Set<string>();
    for (const { cluster, policies, flows } of fc.sample(arbitraryScenario, { seed, numRuns: 300 })) {
      for (const flow of flows) {
        const { egress, ingress } = evaluate(cluster, policies, flow);
        seen.add(`egress ${egress.reason}`).add(`ingress ${ingress.reason}`);
        for (const { rule } of [egress, ingress]) {
          for (const peer of rule && rule.peers !== 'any' ? rule.peers : []) seen.add(`peer ${peer.kind}`);
          for (const port of rule && rule.ports !== 'any' ? rule.ports : []) seen.add(`port ${port.kind}`);
        }
        if (isUnprogrammed(cluster, flow.destination)) seen.add('unprogrammed');
      }
    }
    const reasons: Reason[] = ['rule', 'default-deny', 'not-isolated', 'no-subject', 'self'];
    expect([...seen].toSorted()).toEqual(
      [
        ...reasons.flatMap((reason) => [`egress ${reason}`, `ingress ${reason}`]),
        'ingress node',
        'peer ipBlock',
        'peer pods',
        'port all',
        'port named',
        'port range',
        'unprogrammed',
      ].toSorted(),
    );
  });

  it('decide by rules often enough that a property test over them means something', () => {
    const counts = { rule: 0, 'default-deny': 0, other: 0 };
    for (const { cluster, policies, flows } of fc.sample(arbitraryScenario, { seed, numRuns: 300 })) {
      for (const flow of flows) {
        const { egress, ingress } = evaluate(cluster, policies, flow);
        for (const { reason } of [egress, ingress]) {
          counts[reason === 'rule' || reason === 'default-deny' ? reason : 'other']++;
        }
      }
    }
    const total = counts.rule + counts['default-deny'] + counts.other;
    expect(counts.rule / total).toBeGreaterThan(0.025);
    expect(counts['default-deny'] / total).toBeGreaterThan(0.1);
  });

  it('change verdicts when the cluster changes', () => {
    const changed = fc
      .sample(arbitraryChange, { seed, numRuns: 200 })
      .filter(({ before, after, flows }) =>
        flows.some(
          (flow) =>
            evaluate(before.cluster, before.policies, flow).allowed !==
            evaluate(after.cluster, after.policies, flow).allowed,
        ),
      );
    expect(changed.length).toBeGreaterThan(50);
  });
});
