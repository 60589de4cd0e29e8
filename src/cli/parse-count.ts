import { InvalidArgumentError } from 'commander';

/** For numbers of things of which there is at least one. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw new InvalidArgumentError('It must be a number from 1 to 100.');
  return count;
}
