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

/** Rules, chains and sets of a table as text, without elements and counts; undefined if there is no such table. */
export function listNftTable(netns: string, table: string): string | undefined {
  const [family = '', name = ''] = table.split(' ');
  const { status, stdout } = inNetns(netns, () =>
    spawnSync('nft', ['--terse', '--stateless', 'list', 'table', family, name], { encoding: 'utf8' }),
  );
  return status === 0 ? stdout : undefined;
}
