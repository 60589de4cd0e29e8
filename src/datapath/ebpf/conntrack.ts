/**
 * Conntrack works in a network namespace only while a rule there uses it. Ours stands in a chain that no hook calls:
 * it counts as a use and costs no packet anything.
 */
import { spawnSync } from 'node:child_process';
import { BulkheadError, failure } from '../../errors.ts';
import { inNetns } from '../../kernel/netns.ts';

const table = 'inet bulkhead-conntrack';

/** Harmless when on already. Throws BulkheadError CONNTRACK_UNAVAILABLE. */
export function enableConntrack(netns: string): void {
  nft(netns, `table ${table} { chain unused { ct state untracked; }; }`);
}

export function disableConntrack(netns: string): void {
  nft(netns, `add table ${table}; delete table ${table}`);
}

function nft(netns: string, script: string): void {
  const { status, stderr, error } = inNetns(netns, () =>
    spawnSync('nft', ['-f', '-'], { input: `${script}\n`, encoding: 'utf8' }),
  );
  if (status === 0) return;
  throw new BulkheadError(
    failure(
      'CONNTRACK_UNAVAILABLE',
      `connection tracking can't be switched in ${netns}: ${error?.message ?? stderr}`,
      {
        hint: 'Install nftables (apt-get install nftables); the kernel needs CONFIG_NF_CONNTRACK and CONFIG_NFT_CT.',
      },
    ),
    { cause: error },
  );
}
