/** Scenarios that use all of the IR: the generated NetworkPolicies' rules, dealt to tiers with actions and defaults. */
import * as fc from 'fast-check';
import type { Policy, Section } from '../../src/policy/ir.ts';
import { arbitraryScenario } from '../generate/scenario.ts';
import type { Scenario } from '../generate/scenario.ts';

const arbitraryTwist = fc.record({
  tier: fc.constantFrom(1, 2, 3),
  order: fc.nat({ max: 2 }),
  default: fc.constantFrom<Section['default']>('deny', 'next', 'next'),
  /** Taken in turn by the rules. */
  actions: fc.array(fc.constantFrom('allow', 'deny', 'pass'), { minLength: 2, maxLength: 3 }),
});

type Twist = typeof arbitraryTwist extends fc.Arbitrary<infer T> ? T : never;

function twistPolicy(policy: Policy, twist: Twist): Policy {
  const twisted = (section: Section): Section => ({
    ...section,
    default: twist.default,
    rules: section.rules.map((rule, index) => ({
      ...rule,
      action: twist.actions[index % twist.actions.length] ?? 'allow',
    })),
  });
  return {
    ...policy,
    tier: twist.tier,
    order: twist.order,
    ...(policy.ingress ? { ingress: twisted(policy.ingress) } : {}),
    ...(policy.egress ? { egress: twisted(policy.egress) } : {}),
  };
}

export const arbitraryTieredScenario: fc.Arbitrary<Scenario> = fc
  .tuple(arbitraryScenario, fc.array(arbitraryTwist, { minLength: 5, maxLength: 5 }))
  .map(([scenario, twists]) => ({
    ...scenario,
    policies: scenario.policies.map((policy, index) => {
      const twist = twists[index % twists.length];
      return twist ? twistPolicy(policy, twist) : policy;
    }),
  }));
