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
