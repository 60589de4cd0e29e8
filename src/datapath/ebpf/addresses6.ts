/** Who has which IPv6 address or prefix: rows of a hash table by length, and a directory of lengths, in two copies (bpf/addresses.h). */
import { addressWidth } from '../../objects/ip.ts';
import type { Address, Cidr } from '../../objects/ip.ts';
import type { AddressTable } from './address-table.ts';
import { Directory6 } from './directory6.ts';
import type { Hash } from './hash.ts';
import { slot6 } from './layout.ts';
import type { Version } from './layout.ts';
import { ofPrefix, prefixRow, shadowed, valueOf } from './prefix-rows.ts';
import { SlotTable } from './slot-table.ts';
import type { Row } from './slot-table.ts';
import { TwoCopies } from './two-copies.ts';
import type { Words } from './words.ts';

type Prefix = Omit<Cidr, 'text'>;

export class Addresses6 implements AddressTable {
  readonly #copies: readonly TwoCopies[];
  readonly #table: SlotTable;
  readonly #directory: Directory6;

  constructor(options: { table: Words; directory: Words; hash: Hash }) {
    const { hash } = options;
    const [table, directory] = [new TwoCopies(options.table), new TwoCopies(options.directory)];
    this.#copies = [table, directory];
    this.#table = new SlotTable({ memory: table, shape: slot6, hash });
    this.#directory = new Directory6(directory, hash);
  }

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
      this.#remove(row);
      return;
    }
    this.#table.remove(shadow);
    this.#table.put(withValue(shadow, valueOf(shadow) - shadowed));
  }

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
    else if (held) this.#remove(row);
  }

  keep(inUse: Version): void {
    for (const one of this.#copies) one.level(inUse);
    this.#directory.keep();
  }

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

  #remove(row: Row): void {
    this.#table.remove(row);
    this.#directory.remove(row);
  }
}

function whole({ family, bits }: Address): Prefix {
  return { family, bits, prefixLength: addressWidth(family) };
}

function withValue(row: Row, value: number): Row {
  return [...row.slice(0, -1), value];
}

function isOfPrefix(row: Row): boolean {
  return (valueOf(row) & ofPrefix) !== 0;
}
