/** Whether the ipBlocks of a case hold the same where everything has other addresses than in models.yaml. */
import { cidrContains, parseCidr, type Address } from '../../objects/ip.ts';
import type { Case } from '../case.ts';
import { fillIn } from '../placeholders.ts';
import type { World } from '../world.ts';

/** @param worlds the case's cluster before its first step, as in models.yaml and as it is */
export function blocksHoldTheSame(
  given: Case,
  worlds: { readonly model: World; readonly real: World },
): boolean {
  const { model, real } = worlds;
  const names = [...given.pods, ...given.points];
  return given.steps
    .flatMap(({ changes }) => changes)
    .every((change) => {
      if (change.kind !== 'policy' || change.verb === 'delete') return true;
      const [inModel, inReal] = [model, real].map((world) =>
        prefixesIn(fillIn(change.body.spec, (name) => world.primaryAddress(name), given.id)),
      );
      return inModel?.every((prefix, index) =>
        names.every(
          (name) =>
            holds(prefix, model.primaryAddress(name)) === holds(inReal?.[index], real.primaryAddress(name)),
        ),
      );
    });
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
