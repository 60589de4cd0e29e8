/** Loads nftables rules into a network namespace, by nft(8). */
import { spawnSync } from 'node:child_process';
import { inNetns } from './netns.ts';

/** One transaction: all of the script or nothing. Throws Error with what nft says. */
export function loadNft(netns: string, script: string): void {
  const { status, stderr, error } = inNetns(netns, () =>
    spawnSync('nft', ['-f', '-'], { input: `${script}\n`, encoding: 'utf8' }),
  );
  if (status !== 0) throw new Error(error?.message ?? stderr.trim(), { cause: error });
}

/** A table with the most rules that an engine takes is 1.7 MB of text; what is cut off would count as another table. */
const maxBuffer = 2 ** 26;

/**
 * Rules, chains and sets of a table as text, without elements and counts; undefined if there is no such table. Throws
 * Error if nft could not be asked.
 */
export function listNftTable(netns: string, table: string): string | undefined {
  const [family = '', name = ''] = table.split(' ');
  const { status, stdout, error } = inNetns(netns, () =>
    spawnSync('nft', ['--terse', '--stateless', 'list', 'table', family, name], {
      encoding: 'utf8',
      maxBuffer,
    }),
  );
  if (error) throw new Error(`nft could not list ${table}: ${error.message}`, { cause: error });
  return status === 0 ? stdout : undefined;
}
