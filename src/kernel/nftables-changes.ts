/** What can be done to an nf_tables table, as data, and its netlink form: a batch that happens as a whole or not at all. */
import { AttributeWriter } from './netlink-attributes.ts';
import { NLM_F_REQUEST } from './netfilter-socket.ts';
import { writeExpressions, writeValue, writeVerdict } from './nftables-expressions.ts';
import type { Expression, Verdict } from './nftables-expressions.ts';

/** What `nft list` prints keys and values as. Ids of ours are marks: 32 bits in host order. */
export type DataType =
  'mark' | 'ipv4_addr' | 'ipv6_addr' | 'inet_proto' | 'inet_service' | 'icmp_type' | 'icmpv6_type';

export interface SetSpec {
  readonly name: string;
  /** Several: a concatenation, each padded to four bytes. */
  readonly key: readonly DataType[];
  /** None: a set without values. */
  readonly value?: DataType | 'verdict' | 'counter' | readonly DataType[];
  /** Keys are ranges. Of a concatenation each part is one. */
  readonly interval?: boolean;
  /** The most elements that it may have; none: any number. */
  readonly size?: number;
}

export interface Element {
  readonly key: Uint8Array;
  /** Of a concatenation of ranges: the last key. */
  readonly last?: Uint8Array;
  /** Of single ranges, which are two elements: this is the one after the last key. */
  readonly end?: boolean;
  readonly value?: Uint8Array;
  readonly verdict?: Verdict;
  readonly counter?: string;
}

export interface ChainSpec {
  readonly name: string;
  /** Of a chain that packets enter by themselves. It accepts what its rules don't decide. */
  readonly hook?: { readonly number: number; readonly priority: number };
}

export type Change =
  | { readonly kind: 'add-table' }
  | { readonly kind: 'delete-table' }
  | { readonly kind: 'add-set'; readonly set: SetSpec }
  | { readonly kind: 'add-elements'; readonly set: string; readonly elements: readonly Element[] }
  | { readonly kind: 'delete-elements'; readonly set: string; readonly elements: readonly Element[] }
  | { readonly kind: 'add-counter'; readonly counter: string }
  | { readonly kind: 'delete-counter'; readonly counter: string }
  | { readonly kind: 'add-chain'; readonly chain: ChainSpec }
  /** Removes the chain's rules. */
  | { readonly kind: 'flush-chain'; readonly chain: string }
  | {
      readonly kind: 'add-rule';
      readonly chain: string;
      readonly expressions: readonly Expression[];
      readonly comment?: string;
    };

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFPROTO_INET = 1;

const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;

/** enum nf_tables_msg_types */
export const messages = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  deleteRule: 8,
  newSet: 9,
  newElements: 12,
  getElements: 13,
  deleteElements: 14,
  newObject: 18,
  getObject: 19,
  deleteObject: 20,
} as const;

/** TYPE_… of nftables' include/datatype.h, and bytes. */
const dataTypes: Readonly<Record<DataType, { readonly number: number; readonly length: number }>> = {
  ipv4_addr: { number: 7, length: 4 },
  ipv6_addr: { number: 8, length: 16 },
  inet_proto: { number: 12, length: 1 },
  inet_service: { number: 13, length: 2 },
  icmp_type: { number: 14, length: 1 },
  icmpv6_type: { number: 29, length: 1 },
  mark: { number: 19, length: 4 },
};
const bitsPerType = 6;
const NFT_DATA_VERDICT = 0xffffff00;
const NFT_OBJECT_COUNTER = 1;

/** enum nft_set_flags */
const setFlags = { interval: 0x4, map: 0x8, object: 0x40, concatenation: 0x80 } as const;

/** TLVs of NFTA_SET_USERDATA, as nft writes them: in which byte order it is to print keys and values. */
const userdata = { keyByteOrder: 0, dataByteOrder: 1 } as const;
const byteOrders = { host: 1, network: 2 } as const;

/** A nested attribute has 16 bits for its length; an element of ours takes at most 128 bytes. */
const elementsPerMessage = 400;

export function messageType(message: number): number {
  return (NFNL_SUBSYS_NFTABLES << 8) | message;
}

/** The batch and, by sequence number less one, what each of its messages does. */
export interface EncodedBatch {
  readonly bytes: Uint8Array;
  readonly changes: readonly Change[];
}

export function encodeBatch(table: string, changes: readonly Change[]): EncodedBatch {
  const out = new AttributeWriter();
  const messagesOf: Change[] = [];
  batchMark(out, NFNL_MSG_BATCH_BEGIN);
  for (const change of changes) {
    for (const part of inMessages(change)) {
      messagesOf.push(part);
      writeChange(out, { table, change: part, sequence: messagesOf.length });
    }
  }
  batchMark(out, NFNL_MSG_BATCH_END);
  return { bytes: out.bytes, changes: messagesOf };
}

/** A request for a list or for one thing; `write` adds what names it. */
export function encodeRequest(
  message: number,
  flags: number,
  write: (out: AttributeWriter) => void,
): Uint8Array {
  const out = new AttributeWriter();
  const header = {
    type: messageType(message),
    flags: NLM_F_REQUEST | flags,
    sequence: 1,
    family: NFPROTO_INET,
  };
  out.message(header, () => {
    write(out);
  });
  return out.bytes;
}

function batchMark(out: AttributeWriter, type: number): void {
  out.message({ type, flags: NLM_F_REQUEST, sequence: 0, family: 0, resource: NFNL_SUBSYS_NFTABLES });
}

function* inMessages(change: Change): Generator<Change> {
  if (change.kind !== 'add-elements' && change.kind !== 'delete-elements') {
    yield change;
    return;
  }
  for (let at = 0; at < change.elements.length; at += elementsPerMessage)
    yield { ...change, elements: change.elements.slice(at, at + elementsPerMessage) };
}

function writeChange(
  out: AttributeWriter,
  { table, change, sequence }: { table: string; change: Change; sequence: number },
): void {
  const message = (number: number, flags: number, write: () => void): void => {
    out.message(
      { type: messageType(number), flags: NLM_F_REQUEST | flags, sequence, family: NFPROTO_INET },
      () => {
        out.text(1, table);
        write();
      },
    );
  };
  switch (change.kind) {
    case 'add-table':
      message(messages.newTable, NLM_F_CREATE, () => {
        out.u32(2, 0);
      });
      return;
    case 'delete-table':
      message(messages.deleteTable, 0, () => undefined);
      return;
    case 'add-set':
      message(messages.newSet, NLM_F_CREATE, () => {
        writeSet(out, change.set, sequence);
      });
      return;
    case 'add-elements':
      message(messages.newElements, NLM_F_CREATE, () => {
        writeElements(out, change.set, change.elements);
      });
      return;
    case 'delete-elements':
      message(messages.deleteElements, 0, () => {
        writeElements(out, change.set, change.elements);
      });
      return;
    case 'add-counter':
      message(messages.newObject, NLM_F_CREATE, () => {
        writeCounter(out, change.counter);
        out.nested(4, () => undefined);
      });
      return;
    case 'delete-counter':
      message(messages.deleteObject, 0, () => {
        writeCounter(out, change.counter);
      });
      return;
    case 'add-chain':
      message(messages.newChain, NLM_F_CREATE, () => {
        writeChain(out, change.chain);
      });
      return;
    case 'flush-chain':
      message(messages.deleteRule, 0, () => {
        out.text(2, change.chain);
      });
      return;
    case 'add-rule':
      message(messages.newRule, NLM_F_CREATE | NLM_F_APPEND, () => {
        writeRule(out, change);
      });
  }
}

function writeCounter(out: AttributeWriter, name: string): void {
  out.text(2, name);
  out.u32(3, NFT_OBJECT_COUNTER);
}

function writeChain(out: AttributeWriter, { name, hook }: ChainSpec): void {
  out.text(3, name);
  if (!hook) return;
  out.nested(4, () => {
    out.u32(1, hook.number);
    out.u32(2, hook.priority >>> 0);
  });
  out.text(7, 'filter');
}

function writeRule(
  out: AttributeWriter,
  { chain, expressions, comment }: Change & { kind: 'add-rule' },
): void {
  out.text(2, chain);
  out.nested(4, () => {
    writeExpressions(out, expressions);
  });
  if (comment === undefined) return;
  // struct nftnl_udata: type 0 is a comment that ends with a zero byte.
  const text = Buffer.from(`${comment}\0`);
  out.data(7, Buffer.concat([Uint8Array.of(0, text.length), text]));
}

/** Bytes of each part of a set's key. */
export function keyParts({ key }: Pick<SetSpec, 'key'>): number[] {
  return key.map((type) => dataTypes[type].length);
}

function typeNumber(types: readonly DataType[]): number {
  return types.reduce((number, type) => (number << bitsPerType) | dataTypes[type].number, 0);
}

function paddedLength(type: DataType): number {
  return (dataTypes[type].length + 3) & ~3;
}

function writeSet(out: AttributeWriter, set: SetSpec, id: number): void {
  const { name, key, value, interval = false, size } = set;
  const single = key.length === 1 ? key[0] : undefined;
  const concatenatedRanges = interval && single === undefined;
  out.text(2, name);
  out.u32(
    3,
    (interval ? setFlags.interval : 0) |
      (value === 'counter' ? setFlags.object : value ? setFlags.map : 0) |
      (concatenatedRanges ? setFlags.concatenation : 0),
  );
  out.u32(4, typeNumber(key));
  out.u32(5, single ? dataTypes[single].length : key.reduce((sum, type) => sum + paddedLength(type), 0));
  if (value === 'counter') out.u32(15, NFT_OBJECT_COUNTER);
  else if (value === 'verdict') out.u32(6, NFT_DATA_VERDICT);
  else if (value) {
    const types = typeof value === 'string' ? [value] : value;
    out.u32(6, typeNumber(types));
    out.u32(
      7,
      types.reduce((sum, type) => sum + paddedLength(type), 0),
    );
  }
  if (size !== undefined || concatenatedRanges) {
    out.nested(9, () => {
      if (size !== undefined) out.u32(1, size);
      if (concatenatedRanges) out.nested(2, () => writeFields(out, key));
    });
  }
  out.u32(10, id);
  const [keyOrder, valueOrder] = [
    byteOrderOf(single),
    byteOrderOf(typeof value === 'string' ? value : undefined),
  ];
  out.data(
    13,
    Uint8Array.from([
      userdata.keyByteOrder,
      4,
      keyOrder,
      0,
      0,
      0,
      userdata.dataByteOrder,
      4,
      valueOrder,
      0,
      0,
      0,
    ]),
  );
}

function byteOrderOf(type: string | undefined): number {
  return type === 'mark' ? byteOrders.host : byteOrders.network;
}

function writeFields(out: AttributeWriter, key: readonly DataType[]): void {
  for (const type of key) out.nested(1, () => out.u32(1, dataTypes[type].length));
}

function writeElements(out: AttributeWriter, set: string, elements: readonly Element[]): void {
  out.text(2, set);
  out.nested(3, () => {
    for (const element of elements) out.nested(1, () => writeElement(out, element));
  });
}

function writeElement(out: AttributeWriter, { key, last, end, value, verdict, counter }: Element): void {
  if (end) out.u32(3, 1);
  writeValue(out, 1, key);
  if (last) writeValue(out, 10, last);
  if (value) writeValue(out, 2, value);
  if (verdict) writeVerdict(out, 2, verdict);
  if (counter !== undefined) out.text(9, counter);
}
