/** Who has which address or prefix of one family, in two copies: packets read one, the other is written. */
import type { Address, Cidr } from '../../objects/ip.ts';
import type { Version } from './layout.ts';
import type { Row } from './slot-table.ts';

export interface AddressTable {
  /** Throws TableFull. */
  putAddress(address: Address, value: number): void;
  removeAddress(address: Address): void;
  /** Throws TableFull. */
  putPrefix(prefix: Cidr, value: number): void;
  removePrefix(prefix: Cidr): void;
  /** What was written goes to the other copy too, which packets have just left: `inUse` has it. */
  keep(inUse: Version): void;
  /** What was written is undone. */
  takeBack(inUse: Version): void;
  /** One for each address and each prefix. */
  rows(): Iterable<Row>;
}
