/**
 * DNS messages (RFC 1035 §4, EDNS RFC 6891) as far as a small authoritative server needs them. Decoding never throws:
 * whatever arrives is a query, a message with a reason to refuse it, or nothing that one could answer.
 */

export const recordTypes = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;
export const responseCodes = { ok: 0, formatError: 1, noSuchName: 3, notImplemented: 4, refused: 5 } as const;

export interface Query {
  readonly id: number;
  /** Lower case, without the final dot. Bytes outside ASCII are kept as Latin-1. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly recursionDesired: boolean;
  /** The question as it came, to be echoed (case included). */
  readonly question: Uint8Array;
  /** Largest UDP answer that the client takes, if it speaks EDNS. */
  readonly udpSize?: number;
}

/** A message that has an id but no question that could be answered. */
export interface Unanswerable {
  readonly id: number;
  readonly code: number;
}

export interface ResourceRecord {
  readonly name: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: Uint8Array;
}

export interface Response {
  readonly code: number;
  readonly answers: readonly ResourceRecord[];
  readonly authority?: readonly ResourceRecord[];
}

const headerSize = 12;
const internetClass = 1;
const longestLabel = 63;
const longestName = 255;
/** What this server takes by UDP: fits any path unfragmented (dnsflagday.net/2020). */
const ownUdpSize = 1232;

const flags = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
};

/** Undefined for what must not be answered: too short to have an id, or a response itself. */
export function decodeQuery(message: Uint8Array): Query | Unanswerable | undefined {
  if (message.length < headerSize) return undefined;
  const view = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const id = view.readUInt16BE(0);
  const bits = view.readUInt16BE(2);
  if (bits & flags.response) return undefined;
  if (bits & flags.opcode) return { id, code: responseCodes.notImplemented };
  const [questions, answers, authorities] = [4, 6, 8].map((at) => view.readUInt16BE(at));
  const name =
    questions === 1 && answers === 0 && authorities === 0 ? decodeName(view, headerSize) : undefined;
  if (!name || name.end + 4 > view.length) return { id, code: responseCodes.formatError };
  const end = name.end + 4;
  const udpSize = decodeUdpSize(view, end);
  return {
    id,
    name: name.text,
    type: view.readUInt16BE(name.end),
    class: view.readUInt16BE(name.end + 2),
    recursionDesired: (bits & flags.recursionDesired) !== 0,
    question: view.subarray(headerSize, end),
    ...(udpSize === undefined ? {} : { udpSize }),
  };
}

/** A name in a question stands first in its message, so it has nothing to point back to: no compression here. */
function decodeName(
  view: Buffer,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = view[at];
    if (length === undefined || length > longestLabel || at + length - start >= longestName) return undefined;
    at += 1;
    if (length === 0) return { text: labels.join('.').toLowerCase(), end: at };
    const label = view.toString('latin1', at, at + length);
    // A dot inside a label would look like two labels later.
    if (label.length < length || label.includes('.')) return undefined;
    labels.push(label);
    at += length;
  }
}

/** EDNS: a pseudo record OPT with the root as its name. Anything else there is of no interest. */
function decodeUdpSize(view: Buffer, at: number): number | undefined {
  const isOpt = at + 5 <= view.length && view[at] === 0 && view.readUInt16BE(at + 1) === recordTypes.OPT;
  return isOpt ? view.readUInt16BE(at + 3) : undefined;
}

export function encodeUnanswerable({ id, code }: Unanswerable): Buffer {
  return encodeHeader(id, flags.response | code, [0, 0, 0, 0]);
}

/** `limit`: longest message that may be sent, in bytes; a longer one is cut to its question and marked truncated. */
export function encodeResponse(query: Query, response: Response, limit: number): Buffer {
  const { answers, authority = [] } = response;
  const bits =
    flags.response |
    (response.code === responseCodes.refused ? 0 : flags.authoritative) |
    (query.recursionDesired ? flags.recursionDesired : 0) |
    response.code;
  const options = query.udpSize === undefined ? [] : [encodeOpt()];
  const records = [...answers, ...authority].map((record) => encodeRecord(record, query.name));
  const counts = [1, answers.length, authority.length, options.length] as const;
  const message = Buffer.concat([
    encodeHeader(query.id, bits, counts),
    query.question,
    ...records,
    ...options,
  ]);
  if (message.length <= limit) return message;
  const header = encodeHeader(query.id, bits | flags.truncated, [1, 0, 0, options.length]);
  return Buffer.concat([header, query.question, ...options]);
}

/** Longest answer by UDP to this query (RFC 6891 §6.2.3: at least 512). */
export function udpLimit(query: Query): number {
  return Math.min(Math.max(query.udpSize ?? 512, 512), ownUdpSize);
}

/** Names in record data and owners, uncompressed. The name must be valid. */
export function encodeName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    Buffer.of(0),
  ]);
}

function encodeHeader(id: number, bits: number, counts: readonly number[]): Buffer {
  const header = Buffer.alloc(headerSize);
  [id, bits, ...counts].forEach((value, index) => header.writeUInt16BE(value, 2 * index));
  return header;
}

function encodeRecord({ name, type, ttl, data }: ResourceRecord, queryName: string): Buffer {
  // The question's name begins right after the header: most owners are a pointer to it.
  const owner = name === queryName ? Buffer.of(0xc0, headerSize) : encodeName(name);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(internetClass, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

function encodeOpt(): Buffer {
  const record = Buffer.alloc(11);
  record.writeUInt16BE(recordTypes.OPT, 1);
  record.writeUInt16BE(ownUdpSize, 3);
  return record;
}
