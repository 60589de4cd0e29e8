/** What a node enforces, as lines for people. */
import { formatPosition } from '../errors.ts';
import type { Direction } from '../policy/ir.ts';
import type { NodeEnforcer } from './node-enforcer.ts';

const directions: readonly Direction[] = ['ingress', 'egress'];

export function policyText(enforcer: NodeEnforcer): string {
  const { refusals } = enforcer;
  const lines = [...enforcer.enforcedPolicies()].flatMap((policy) => {
    const refusal = refusals.get(policy.id);
    const note = refusal ? `  REFUSED, ${refusal.enforced}: ${refusal.code}: ${refusal.message}` : '';
    return [
      `${policy.id}${note}`,
      ...directions.flatMap((direction) => {
        const section = policy[direction];
        if (!section) return [];
        const head = `  ${direction}: ${section.rules.length} rules, default ${section.default}`;
        return [
          head,
          ...section.rules.map(
            ({ origin }) => `    ${origin.ruleIndex ?? ''} ${formatPosition(origin.position)}`,
          ),
        ];
      }),
    ];
  });
  return lines.map((line) => `${line}\n`).join('');
}
