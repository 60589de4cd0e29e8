/** The reading side of the ring alone, on a file that is laid out as the kernel lays out its memory. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RingBuffer } from '../../src/kernel/ring-buffer.ts';

/** As on most machines; elsewhere the file is laid out otherwise than the reader expects, and the tests fail. */
const page = 4096;
const size = 4096;
const busy = 0x80000000;
const discarded = 0x40000000;

describe('ring buffer', () => {
  let directory: string;
  let fd: number;
  let ring: RingBuffer;
  /** Where the next record begins, from the beginning of time. */
  let produced: number;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
    fd = openSync(join(directory, 'ring'), 'w+');
    writeSync(fd, Buffer.alloc(2 * page + 2 * size), 0, undefined, 0);
    ring = new RingBuffer(fd, size);
    produced = 0;
  });
  afterEach(() => {
    ring.close();
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });

  /** Once, and once more behind, as the kernel maps the data twice. */
  const write = (position: number, bytes: Uint8Array): void => {
    for (const [index, byte] of bytes.entries()) {
      const offset = (position + index) % size;
      for (const copy of [0, size]) writeSync(fd, Uint8Array.of(byte), 0, 1, 2 * page + copy + offset);
    }
  };
  const header = (position: number, length: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(length, 0);
    write(position, bytes);
  };
  /** A record of so many bytes, all of one value; gives its position. */
  const produce = (length: number, value: number, flags = 0): number => {
    const position = produced;
    header(position, (length | flags) >>> 0);
    write(position + 8, new Uint8Array(length).fill(value));
    produced += Math.ceil((length + 8) / 8) * 8;
    const end = Buffer.alloc(8);
    end.writeBigUInt64LE(BigInt(produced));
    writeSync(fd, end, 0, 8, page);
    return position;
  };
  const consumed = (): number => {
    const position = Buffer.alloc(8);
    readSync(fd, position, 0, 8, 0);
    return Number(position.readBigUInt64LE());
  };
  /** First and last byte of each record of so many bytes. */
  const drain = (limit: number, length: number): number[][] => {
    const records: number[][] = [];
    ring.drain(limit, (view, offset) => {
      records.push([view.getUint8(offset), view.getUint8(offset + length - 1)]);
    });
    return records;
  };

  test('hands out records in order, at most as many as are wanted', () => {
    for (const value of [1, 2, 3]) produce(13, value);
    expect(drain(2, 13)).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(consumed()).toBe(48);
    expect(drain(2, 13)).toEqual([[3, 3]]);
    expect(drain(2, 13)).toEqual([]);
  });

  test('waits for a record that is still being written, and for those behind it', () => {
    produce(16, 1);
    const unfinished = produce(16, 2, busy);
    produce(16, 3);
    expect(drain(9, 16)).toEqual([[1, 1]]);
    expect(consumed()).toBe(unfinished);
    header(unfinished, 16);
    expect(drain(9, 16)).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });

  test('steps over records that were given up', () => {
    produce(16, 1, discarded);
    produce(16, 2);
    expect(drain(1, 16)).toEqual([[2, 2]]);
    expect(consumed()).toBe(produced);
  });

  test('reads on over the end of the ring, a record in two pieces included', () => {
    for (let round = 0; round < 100; round++) {
      const value = round % 256;
      produce(200, value);
      expect(drain(9, 200)).toEqual([[value, value]]);
    }
    expect(produced).toBeGreaterThan(4 * size);
  });

  test('does not hand out twice what its reader failed over', () => {
    for (const value of [1, 2]) produce(16, value);
    expect(() =>
      ring.drain(9, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(drain(9, 16)).toEqual([[2, 2]]);
  });

  test('is empty once it is closed', () => {
    produce(16, 1);
    ring.close();
    expect(drain(9, 16)).toEqual([]);
  });
});
