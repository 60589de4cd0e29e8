/**
 * `npm run fuzz`: runs fuzzers until told to stop, or for a time, and saves what they find.
 *   npm run fuzz                                      all, one minute each
 *   npm run fuzz -- packets --seconds 600 --seed 7
 *   npm run fuzz -- changes --seconds Infinity        until it finds something, or ^C
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { corpusFolder, describeFinding, fuzz } from './fuzz.ts';
import { changeTarget } from './changes/target.ts';
import { manifestTarget } from './manifests/target.ts';
import { objectTarget } from './objects/target.ts';
import { packetTarget } from './packets/target.ts';
import type { Target } from './target.ts';

interface Limits {
  readonly seconds: number;
  readonly seed: number;
}

/** By name. */
const fuzzers: Readonly<Record<string, (limits: Limits) => boolean>> = {
  packets: (limits) => run(packetTarget, limits),
  changes: (limits) => run(changeTarget, limits),
  manifests: (limits) => run(manifestTarget, limits),
  objects: (limits) => run(objectTarget, limits),
};

/** False if it found something. */
function run<Case>(target: Target<Case>, { seconds, seed }: Limits): boolean {
  if (target.missing) {
    console.log(`${target.name}: left out, ${target.missing}`);
    return true;
  }
  console.log(`${target.name}: ${seconds} s, seed ${seed}`);
  const { finding, cases, replayed, tally } = fuzz(target, { seed, limit: { seconds } });
  console.log(`${target.name}: ${cases} cases, ${replayed} from the corpus before them`);
  for (const [what, count] of Object.entries(tally)) console.log(`  ${String(count).padStart(9)}  ${what}`);
  if (!finding) return true;
  console.error(`\n${describeFinding(target.name, finding)}`);
  const folder = join(corpusFolder, target.name);
  const hash = createHash('sha256').update(finding.content).digest('hex').slice(0, 8);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `found-${hash}.${target.file.extension}`), finding.content);
  console.error(
    `Saved as ${folder}/found-${hash}.${target.file.extension}: give it a name that says what it is about.`,
  );
  return false;
}

const usage = `usage: npm run fuzz -- [${Object.keys(fuzzers).join('|')}] [--seconds N|Infinity] [--seed S]`;

/** Undefined: they are not what `usage` says. */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const seconds = Number(values.seconds);
    const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
    const isFine = positionals.every((name) => name in fuzzers) && seconds > 0 && Number.isInteger(seed);
    return isFine ? { help: values.help, names: positionals, limits: { seconds, seed } } : undefined;
  } catch {
    return undefined;
  }
}

const told = readArguments();
if (!told) {
  console.error(usage);
  process.exitCode = 2;
} else if (told.help) {
  console.log(usage);
} else {
  const { names, limits } = told;
  const chosen = Object.entries(fuzzers).filter(([name]) => names.length === 0 || names.includes(name));
  const fine = chosen.map(([, start]) => start(limits));
  process.exitCode = fine.includes(false) ? 1 : 0;
}
