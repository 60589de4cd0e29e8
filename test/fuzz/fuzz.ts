/** Runs a fuzzer: what it found before first, then new cases, the same for the same seed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Target } from './target.ts';

export const corpusFolder = 'test/fuzz/corpus';

export interface Effort {
  readonly seed: number;
  /** Cases, or seconds in which to try as many as there is time for. */
  readonly limit: { readonly cases: number } | { readonly seconds: number };
}

export interface Finding {
  /** The corpus file that failed, or the seed and path by which fast-check makes the case again. */
  readonly origin: string;
  /** Shrunk. */
  readonly content: string | Uint8Array;
  readonly error: unknown;
}

export interface Outcome {
  readonly cases: number;
  readonly replayed: number;
  readonly tally: Readonly<Record<string, number>>;
  readonly finding?: Finding;
}

/** Between two looks at the clock. */
const casesPerRound = 25;

export function fuzz<Case>(target: Target<Case>, effort: Effort): Outcome {
  const session = target.open();
  let cases = 0;
  const attempt = (one: Case): void => {
    cases += 1;
    session.attempt(one);
  };
  try {
    const corpus = corpusOf(target);
    for (const { origin, content } of corpus) {
      try {
        session.attempt(target.file.parse(content));
      } catch (error) {
        return {
          cases,
          replayed: corpus.length,
          tally: session.tally(),
          finding: { origin, content, error },
        };
      }
    }
    const finding = search(target, effort, attempt);
    return { cases, replayed: corpus.length, tally: session.tally(), ...(finding ? { finding } : {}) };
  } finally {
    session.close();
  }
}

/** What was found before, mended since. */
function corpusOf({ name }: { readonly name: string }): { origin: string; content: Buffer }[] {
  const folder = join(corpusFolder, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => ({ origin: join(folder, file), content: readFileSync(join(folder, file)) }));
}

function search<Case>(
  { arbitrary, file }: Target<Case>,
  { seed, limit }: Effort,
  attempt: (one: Case) => void,
): Finding | undefined {
  const end = 'seconds' in limit ? performance.now() + 1000 * limit.seconds : 0;
  for (let round = 0; round === 0 || performance.now() < end; round++) {
    const numRuns = 'cases' in limit ? limit.cases : casesPerRound;
    const details = fc.check(fc.property(arbitrary, attempt), { seed: seed + round, numRuns });
    const [shrunk] = details.counterexample ?? [];
    if (details.failed && shrunk !== undefined) {
      const origin = `seed ${details.seed}, path ${details.counterexamplePath ?? 'unknown'}`;
      return { origin, content: file.print(shrunk), error: details.errorInstance };
    }
  }
  return undefined;
}

/** For people: how to see it again, and the case itself. */
export function describeFinding(name: string, { origin, content, error }: Finding): string {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [
    `${name}: ${origin}`,
    message,
    `To keep it, save this in ${corpusFolder}/${name}/:`,
    Buffer.from(content).toString(),
  ].join('\n\n');
}
