import type { Delta } from '../compiler/tables.ts';
import type { Address } from '../objects/ip.ts';

/**
 * The addresses at which a pod of this node appears with the delta. What conntrack remembers of such an address is of
 * somebody who had it before, and no answer to that is meant for the new pod.
 */
export function newPodAddresses({ stage }: Delta): Address[] {
  return stage.addresses
    .filter(({ from, to }) => to?.role === 'local-pod' && from?.role !== 'local-pod')
    .flatMap(({ addresses }) => addresses);
}
