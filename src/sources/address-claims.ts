/** Who holds which address, so that none is given out twice and two manifests that claim one are told. */
import { failure, formatPosition, type Diagnostic, type Position } from '../errors.ts';
import type { Address } from '../objects/ip.ts';

export interface Holder {
  /** For people: `Pod shop/cart`. */
  readonly name: string;
  readonly position?: Position;
}

export class AddressClaims {
  /** Texts of all addresses that are taken; allocators add to it. */
  readonly taken = new Set<string>();
  readonly problems: Diagnostic[] = [];
  readonly #holders = new Map<string, Holder>();

  /** Claims an address that a manifest gives; a second claim is a problem. */
  claim(address: Address, holder: Holder): void {
    const first = this.#holders.get(address.text);
    this.taken.add(address.text);
    if (!first) {
      this.#holders.set(address.text, holder);
      return;
    }
    const where = first.position ? ` (${formatPosition(first.position)})` : '';
    this.problems.push(
      failure(
        'ADDRESS_CLASH',
        `${holder.name} and ${first.name}${where} both have the address ${address.text}`,
        {
          hint: 'Remove the stale one; a finished pod has phase Succeeded or Failed and no address.',
          ...(holder.position ? { position: holder.position } : {}),
        },
      ),
    );
  }

  /** Claims an address if nobody has it. */
  keep(address: Address): boolean {
    if (this.taken.has(address.text)) return false;
    this.taken.add(address.text);
    return true;
  }
}
