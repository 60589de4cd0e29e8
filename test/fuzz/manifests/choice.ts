/** Choices that were made before it is known what there is to choose from. */
import * as fc from 'fast-check';

/** Each is taken modulo the number of choices. */
export interface Choices {
  readonly what: number;
  readonly at: number;
  readonly other: number;
  readonly value: number;
}

const anything = fc.nat(1_000_000);

export const arbitraryChoices: fc.Arbitrary<Choices> = fc.record({
  what: anything,
  at: anything,
  other: anything,
  value: anything,
});

/** Undefined where there is nothing to choose from. */
export function choose<T>(from: readonly T[], choice: number): T | undefined {
  return from[choice % Math.max(1, from.length)];
}
