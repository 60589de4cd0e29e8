/** A DNS client for tests, written without the code under test: RFC 1035 with compression pointers. */
import { makeAddress } from '../../src/objects/ip.ts';

export interface ReadRecord {
  readonly name: string;
  readonly type: number;
  /** Address, target, `priority weight port target`, or hex. */
  readonly data: string;
}

export interface ReadResponse {
  readonly id: number;
  readonly code: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly answers: readonly ReadRecord[];
  readonly authority: readonly ReadRecord[];
  readonly additional: readonly ReadRecord[];
}

export function queryFor(
  name: string,
  type: number,
  { id = 1, udpSize }: { id?: number; udpSize?: number } = {},
): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const opt = udpSize === undefined ? [] : [0, 0, 41, udpSize >> 8, udpSize & 255, 0, 0, 0, 0, 0, 0];
  return Buffer.from([
    id >> 8,
    id & 255,
    1,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    opt.length ? 1 : 0,
    ...labels,
    0,
    type >> 8,
    type & 255,
    0,
    1,
    ...opt,
  ]);
}

/** Throws on anything malformed, trailing bytes included. */
export function readResponse(message: Buffer): ReadResponse {
  let at = 12;
  const name = (start = at): string => {
    const labels: string[] = [];
    let position = start;
    let end: number | undefined;
    for (let jumps = 0; jumps < 10;) {
      const length = message.readUInt8(position);
      if (length >= 0xc0) {
        end ??= position + 2;
        position = message.readUInt16BE(position) & 0x3fff;
        jumps += 1;
        continue;
      }
      if (length === 0) {
        at = end ?? position + 1;
        return labels.join('.');
      }
      labels.push(message.toString('latin1', position + 1, position + 1 + length));
      position += 1 + length;
    }
    throw new Error('compression loop');
  };
  const record = (): ReadRecord => {
    const owner = name();
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 8);
    const start = at + 10;
    const data = message.subarray(start, start + length);
    if (data.length < length) throw new Error('record cut short');
    const text = ((): string => {
      if (type === 1) return [...data].join('.');
      if (type === 28) return makeAddress(6, BigInt(`0x${data.toString('hex')}`)).text;
      if (type === 5) return name(start);
      if (type === 33)
        return `${[0, 2, 4].map((offset) => data.readUInt16BE(offset)).join(' ')} ${name(start + 6)}`;
      return data.toString('hex');
    })();
    at = start + length;
    return { name: owner, type, data: text };
  };
  const [questions = 0, ...counts] = [4, 6, 8, 10].map((offset) => message.readUInt16BE(offset));
  for (let index = 0; index < questions; index++) {
    name();
    at += 4;
  }
  const [answers = [], authority = [], additional = []] = counts.map((count) =>
    Array.from({ length: count }, record),
  );
  if (at !== message.length) throw new Error('trailing bytes');
  const flags = message.readUInt16BE(2);
  return {
    id: message.readUInt16BE(0),
    code: flags & 15,
    authoritative: (flags & 0x400) !== 0,
    truncated: (flags & 0x200) !== 0,
    answers,
    authority,
    additional,
  };
}
