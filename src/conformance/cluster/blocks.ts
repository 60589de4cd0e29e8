/** Whether the ipBlocks of a case hold the same where everything has other addresses than in models.yaml. */
import { cidrContains, parseCidr, type Address } from '../../objects/ip.ts';
import type { Case } from '../case.ts';
import { fillIn } from '../placeholders.ts';
import type { World } from '../world.ts';

interface Worlds {
  /** The case's cluster before its first step, as in models.yaml. */
  readonly model: World;
  /** As it is. */
  readonly real: World;
}

/**
 * Who would need other addresses for the first block that does not hold the same: either all who belong into it, or one who
 * does not. Undefined if all is well.
 */
export function misplaced(given: Case, { model, real }: Worlds): readonly string[] | undefined {
  const names = [...given.pods, ...given.points];
  const specs = given.steps
    .flatMap(({ changes }) => changes)
    .flatMap((change) => (change.kind === 'policy' && change.verb !== 'delete' ? [change.body.spec] : []));
  for (const spec of specs) {
    const [inModel = [], inReal = []] = [model, real].map((world) =>
      prefixesIn(fillIn(spec, (name) => world.primaryAddress(name), given.id)),
    );
    for (const [index, prefix] of inModel.entries()) {
      const belongs = (name: string): boolean => holds(prefix, model.primaryAddress(name));
      const is = (name: string): boolean => holds(inReal[index], real.primaryAddress(name));
      const wrong = names.find((name) => belongs(name) !== is(name));
      if (wrong !== undefined) return belongs(wrong) ? names.filter(belongs) : [wrong];
    }
  }
  return undefined;
}

/** Every text that is a prefix, in the order of the fields. */
function prefixesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return parseCidr(value) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(prefixesIn);
}

function holds(prefix: string | undefined, address: Address | undefined): boolean {
  const cidr = prefix === undefined ? undefined : parseCidr(prefix);
  return cidr !== undefined && address !== undefined && cidrContains(cidr, address);
}
