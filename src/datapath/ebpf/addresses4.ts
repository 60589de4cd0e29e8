/**
 * Who has which IPv4 address: the tree of bpf/tables.h, in two copies. Prefixes of at most 16 bits are written where the
 * tree begins, longer ones down to every entry that no longer one than they covers, so a reader takes what it comes to.
 */
import { PrefixTable } from '../../compiler/prefix-table.ts';
import type { Address, Cidr } from '../../objects/ip.ts';
import type { AddressTable } from './address-table.ts';
import { addressLength, entryOf, lengthOf, nobody, nodeEntry, nodeOf } from './entries4.ts';
import type { Version } from './layout.ts';
import { NodePool } from './node-pool.ts';
import type { Row } from './slot-table.ts';
import { TwoCopies } from './two-copies.ts';
import type { Words } from './words.ts';

/** Leading bits by which the tree begins, and those that each level of nodes tells apart. */
const rootBits = 16;
const levelBits = 4;
const entriesPerNode = 2 ** levelBits;
const width = 32;
const wordsPerRoot = 2;

/** An entry for all addresses of a block whose entries are of prefixes of at most this length. */
interface Change {
  readonly start: number;
  /** Leading bits that the addresses of the block have in common. */
  readonly bits: number;
  readonly entry: number;
  readonly length: number;
}

export class Addresses4 implements AddressTable {
  readonly #roots: TwoCopies;
  readonly #nodes: TwoCopies;
  readonly #pool: NodePool;
  /** Prefix → its entry. */
  readonly #prefixes = new PrefixTable<number>();
  /** What the prefixes changed since the last `keep` were before. */
  #recent: { readonly prefix: Cidr; readonly before: number | undefined }[] = [];

  constructor(options: { roots: Words; nodes: Words }) {
    this.#roots = new TwoCopies(options.roots);
    this.#nodes = new TwoCopies(options.nodes);
    this.#pool = new NodePool(this.#nodes.length / entriesPerNode);
  }

  putAddress({ bits }: Address, value: number): void {
    const entry = entryOf(value, addressLength);
    this.#change({ start: Number(bits), bits: width, entry, length: addressLength });
  }

  removeAddress(address: Address): void {
    const entry = this.#prefixes.match(address) ?? nobody;
    this.#change({ start: Number(address.bits), bits: width, entry, length: addressLength });
  }

  putPrefix(prefix: Cidr, value: number): void {
    const { bits, prefixLength: length } = prefix;
    const entry = entryOf(value, length);
    this.#remember(prefix);
    this.#prefixes.set(prefix, entry);
    this.#change({ start: Number(bits), bits: length, entry, length });
  }

  removePrefix(prefix: Cidr): void {
    const { bits, prefixLength: length } = prefix;
    this.#remember(prefix);
    this.#prefixes.delete(prefix);
    const entry = this.#prefixes.cover(prefix) ?? nobody;
    this.#change({ start: Number(bits), bits: length, entry, length });
  }

  keep(inUse: Version): void {
    for (const copies of [this.#roots, this.#nodes]) copies.level(inUse);
    this.#pool.keep();
    this.#recent = [];
  }

  takeBack(inUse: Version): void {
    for (const copies of [this.#roots, this.#nodes]) copies.level(inUse);
    this.#pool.takeBack();
    for (const { prefix, before } of this.#recent.reverse()) {
      if (before === undefined) this.#prefixes.delete(prefix);
      else this.#prefixes.set(prefix, before);
    }
    this.#recent = [];
  }

  /** How many nodes are taken. */
  get nodes(): number {
    return this.#pool.size;
  }

  *rows(): Generator<Row> {
    for (let start = 0; start < 2 ** rootBits; start++) {
      yield* this.#addressesOf(this.#roots.read(start * wordsPerRoot + 1), start);
    }
    for (const { length, leadingBits, value } of this.#prefixes.entries()) {
      yield [length, leadingBits, value];
    }
  }

  *#addressesOf(entry: number, start: number): Generator<Row> {
    const node = nodeOf(entry);
    if (lengthOf(entry) === addressLength && node === undefined) yield [start, entry];
    if (node === undefined) return;
    for (let index = 0; index < entriesPerNode; index++) {
      yield* this.#addressesOf(
        this.#nodes.read(node * entriesPerNode + index),
        start * entriesPerNode + index,
      );
    }
  }

  #remember(prefix: Cidr): void {
    this.#recent.push({ prefix, before: this.#prefixes.get(prefix) });
  }

  #change(change: Change): void {
    const { start, bits, entry, length } = change;
    const first = start >>> (width - rootBits);
    if (bits > rootBits) {
      const says = lengthOf(entry) > rootBits ? entry : nobody;
      const at = first * wordsPerRoot + 1;
      this.#write(this.#roots, at, this.#changed(this.#roots.read(at), rootBits, { ...change, entry: says }));
      return;
    }
    for (let root = first; root < first + 2 ** (rootBits - bits); root++) {
      const at = root * wordsPerRoot;
      if (lengthOf(this.#roots.read(at)) <= length) this.#write(this.#roots, at, entry);
    }
  }

  /** What becomes of an entry for addresses that have `bits` bits in common, some of them of the block or all. */
  #changed(entry: number, bits: number, change: Change): number {
    const node = nodeOf(entry) ?? (bits < change.bits ? this.#divide(entry) : undefined);
    if (node === undefined) return lengthOf(entry) <= change.length ? change.entry : entry;
    const below = bits + levelBits;
    const isWithin = bits < change.bits;
    const first = isWithin ? (change.start >>> (width - below)) % entriesPerNode : 0;
    const count = isWithin ? 2 ** Math.max(0, below - change.bits) : entriesPerNode;
    for (let at = node * entriesPerNode + first; at < node * entriesPerNode + first + count; at++) {
      this.#write(this.#nodes, at, this.#changed(this.#nodes.read(at), below, change));
    }
    return this.#joined(node, bits);
  }

  /** A node whose entries all are this one. */
  #divide(entry: number): number {
    const node = this.#pool.take();
    for (let index = 0; index < entriesPerNode; index++) {
      this.#nodes.write(node * entriesPerNode + index, entry);
    }
    return node;
  }

  /** An entry that says the same as the node, if there is one, and then the node is no longer needed. */
  #joined(node: number, bits: number): number {
    const first = this.#nodes.read(node * entriesPerNode);
    if (nodeOf(first) !== undefined || lengthOf(first) > bits) return nodeEntry(node);
    for (let index = 1; index < entriesPerNode; index++) {
      if (this.#nodes.read(node * entriesPerNode + index) !== first) return nodeEntry(node);
    }
    this.#pool.give(node);
    return first;
  }

  #write(memory: TwoCopies, at: number, entry: number): void {
    if (memory.read(at) !== entry) memory.write(at, entry);
  }
}
