/** Who has which address or prefix of one family, in two copies (bpf/addresses.h). */
import { addressWidth } from '../../objects/ip.ts';
import type { Address, Cidr, IpFamily } from '../../objects/ip.ts';
import { Directory4 } from './directory4.ts';
import { Directory6 } from './directory6.ts';
import type { Hash } from './hash.ts';
import { slot4, slot6 } from './layout.ts';
import type { Version } from './layout.ts';
import { ofPrefix, prefixRow, shadowed, valueOf } from './prefix-rows.ts';
import { SlotTable } from './slot-table.ts';
import type { Row } from './slot-table.ts';
import { TwoCopies } from './two-copies.ts';
import type { Words } from './words.ts';

type Prefix = Omit<Cidr, 'text'>;

export class AddressTable {
  readonly #copies: readonly TwoCopies[];
  readonly #table: SlotTable;
  readonly #directory: Directory4 | Directory6;

  constructor(options: { family: IpFamily; table: Words; directory: Words; hash: Hash }) {
    const { family, hash } = options;
    const [table, directory] = [new TwoCopies(options.table), new TwoCopies(options.directory)];
    this.#copies = [table, directory];
    this.#table = new SlotTable({ memory: table, shape: family === 4 ? slot4 : slot6, hash });
    this.#directory = family === 4 ? new Directory4(directory) : new Directory6(directory, hash);
  }

  /** Throws WindowFull. */
  putAddress(address: Address, value: number): void {
    const row = prefixRow(whole(address), value);
    const held = this.#table.get(row);
    if (held && isOfPrefix(held)) this.#table.put(withValue(held, valueOf(held) + shadowed));
    this.#put(row, held);
  }

  removeAddress(address: Address): void {
    const row = prefixRow(whole(address), 0);
    const held = this.#table.get(row);
    if (!held || isOfPrefix(held)) return;
    const shadow = this.#table.get(withValue(row, valueOf(row) + shadowed));
    if (!shadow) {
      this.#remove(whole(address), row);
      return;
    }
    this.#table.remove(shadow);
    this.#table.put(withValue(shadow, valueOf(shadow) - shadowed));
  }

  /** Throws WindowFull. */
  putPrefix(prefix: Prefix, value: number): void {
    const row = prefixRow(prefix, value);
    const held = this.#table.get(row);
    const isWhole = prefix.prefixLength === addressWidth(prefix.family);
    if (isWhole && held && !isOfPrefix(held))
      this.#table.put(withValue(row, valueOf(row) + shadowed + ofPrefix));
    else this.#put(isWhole ? withValue(row, valueOf(row) + ofPrefix) : row, held);
  }

  removePrefix(prefix: Prefix): void {
    const row = prefixRow(prefix, 0);
    const held = this.#table.get(row);
    const isWhole = prefix.prefixLength === addressWidth(prefix.family);
    if (isWhole && held && !isOfPrefix(held)) this.#table.remove(withValue(row, valueOf(row) + shadowed));
    else if (held) this.#remove(prefix, row);
  }

  /** What was written goes to the other copy too, which packets have just left: `inUse` has it. */
  keep(inUse: Version): void {
    for (const one of this.#copies) one.level(inUse);
    this.#directory.keep();
  }

  /** What was written is undone. */
  takeBack(inUse: Version): void {
    for (const one of this.#copies) one.level(inUse);
    this.#directory.takeBack();
  }

  rows(): Iterable<Row> {
    return this.#table.rows();
  }

  #put(row: Row, held: Row | undefined): void {
    this.#table.put(row);
    this.#directory.put(row, held === undefined);
  }

  #remove(prefix: Prefix, row: Row): void {
    this.#table.remove(row);
    this.#directory.remove(row, (prefixLength) =>
      this.#table.get(prefixRow(shorter(prefix, prefixLength), 0)),
    );
  }
}

function whole({ family, bits }: Address): Prefix {
  return { family, bits, prefixLength: addressWidth(family) };
}

function shorter({ family, bits }: Prefix, prefixLength: number): Prefix {
  const hostBits = BigInt(addressWidth(family) - prefixLength);
  return { family, bits: (bits >> hostBits) << hostBits, prefixLength };
}

function withValue(row: Row, value: number): Row {
  return [...row.slice(0, -1), value];
}

function isOfPrefix(row: Row): boolean {
  return (valueOf(row) & ofPrefix) !== 0;
}
