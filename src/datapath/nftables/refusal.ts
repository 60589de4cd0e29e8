/** What the kernel has against a change, for people. */
import { BulkheadError, failure } from '../../errors.ts';
import type { RefusedChange } from '../../kernel/nftables-table.ts';
import { shared } from './sets.ts';
import type { NftablesCapacity } from './sets.ts';

/** DATAPATH_FULL, NFTABLES_UNAVAILABLE or NFTABLES_REFUSED; the old policy stays in each case. */
export function refusalError(refused: RefusedChange, capacity: NftablesCapacity): BulkheadError {
  return new BulkheadError(diagnose(refused, capacity), { cause: refused });
}

function diagnose({ code, change, message }: RefusedChange, capacity: NftablesCapacity) {
  if (code === 'ENFILE' && change?.kind === 'add-elements') {
    const what = capacityOf(change.set);
    return failure(
      'DATAPATH_FULL',
      `the change needs more entries in the table "${what}" than its ${capacity[what]}; the old policy stays`,
      {
        hint: `Raise the datapath's capacity for "${what}" and start it anew, or reduce what the policies tell apart.`,
      },
    );
  }
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

function capacityOf(set: string): keyof NftablesCapacity {
  if (set === shared.rules) return 'rules';
  if (set === shared.ports || set === shared.portRanges) return 'ports';
  if (set.startsWith('range')) return 'cidrs';
  return set.startsWith('identity') ? 'addresses' : 'classes';
}
