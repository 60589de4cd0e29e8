/** What the kernel has against a change, for people. */
import { BulkheadError, failure } from '../../errors.ts';
import type { RefusedChange } from '../../kernel/nftables-table.ts';

/** NFTABLES_UNAVAILABLE or NFTABLES_REFUSED; the old policy stays in each case. */
export function refusalError(refused: RefusedChange): BulkheadError {
  return new BulkheadError(diagnose(refused), { cause: refused });
}

function diagnose({ code, change, message }: RefusedChange) {
  if (change?.kind === 'add-rule' && (code === 'ENOENT' || code === 'EOPNOTSUPP')) {
    return failure(
      'NFTABLES_UNAVAILABLE',
      `the kernel lacks an instruction that the rules need: ${message}`,
      {
        hint: 'It needs CONFIG_NFT_CT, CONFIG_NFT_LOG, CONFIG_NFT_FIB_INET and CONFIG_NETFILTER_NETLINK_LOG, as distributions have them.',
      },
    );
  }
  return failure('NFTABLES_REFUSED', `${message}; the old policy stays`, {
    hint: 'If somebody else has changed the table inet bulkhead, start the datapath anew: it makes the table right again.',
  });
}
