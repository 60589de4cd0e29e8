/**
 * Conntrack works in a network namespace only while a rule there uses it. Ours stands in a chain that no hook calls:
 * it counts as a use and costs no packet anything.
 */
import { BulkheadError, failure } from '../../errors.ts';
import { loadNft } from '../../kernel/nft.ts';
import { guardRules, withoutGuard } from '../guard.ts';

export const conntrackTable = 'inet bulkhead-conntrack';

const withoutTable = `add table ${conntrackTable}\ndelete table ${conntrackTable}`;

/** Conntrack and the guard; harmless when there already. Throws BulkheadError CONNTRACK_UNAVAILABLE. */
export function enableConntrack(netns: string, podInterfacePrefix: string | undefined): void {
  const rules = `${withoutTable}\ntable ${conntrackTable} { chain unused { ct state untracked; }; }`;
  load(netns, `${rules}\n${guardRules(podInterfacePrefix)}`);
}

export function disableConntrack(netns: string): void {
  load(netns, `${withoutTable}\n${withoutGuard}`);
}

function load(netns: string, script: string): void {
  try {
    loadNft(netns, script);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BulkheadError(
      failure('CONNTRACK_UNAVAILABLE', `connection tracking can't be switched in ${netns}: ${reason}`, {
        hint: 'Install nftables (apt-get install nftables); the kernel needs CONFIG_NF_CONNTRACK, CONFIG_NFT_CT and CONFIG_NFT_FIB_INET.',
      }),
      { cause },
    );
  }
}
