import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeQuery, encodeName, encodeResponse, recordTypes, udpLimit } from '../../src/lab/dns-message.ts';
import { queryFor, readResponse } from './dns-client.ts';

describe('queries', () => {
  test('are decoded with the name in lower case and the question kept as it came', () => {
    const message = queryFor('Web.SHOP.svc.cluster.local', recordTypes.A, { id: 0x1234, udpSize: 4096 });
    expect(decodeQuery(message)).toEqual({
      id: 0x1234,
      name: 'web.shop.svc.cluster.local',
      type: 1,
      class: 1,
      recursionDesired: true,
      question: message.subarray(12, 12 + 28 + 4),
      udpSize: 4096,
    });
  });

  test.each([
    ['too short to have an id', Buffer.alloc(11)],
    ['a response', Buffer.from('123480000001000000000000', 'hex')],
  ])('%s is not answered', (_what, message) => {
    expect(decodeQuery(message)).toBeUndefined();
  });

  const header = (hex: string): Buffer => Buffer.from(`1234${hex}`, 'hex');
  test.each([
    ['another opcode', header('28000001000000000000'), 4],
    ['no question', header('01000000000000000000'), 1],
    ['two questions', header('01000002000000000000'), 1],
    ['an answer in a query', header('01000001000100000000'), 1],
    ['a question cut short', Buffer.concat([header('01000001000000000000'), Buffer.from('0377', 'hex')]), 1],
    ['no type and class', Buffer.concat([header('01000001000000000000'), encodeName('a')]), 1],
    [
      'a label of 64',
      Buffer.concat([header('01000001000000000000'), Buffer.of(64), Buffer.alloc(80, 97)]),
      1,
    ],
    [
      'a pointer to itself',
      Buffer.concat([header('01000001000000000000'), Buffer.from('c00c00010001', 'hex')]),
      1,
    ],
    [
      'a dot in a label',
      Buffer.concat([header('01000001000000000000'), Buffer.from('03612e620000010001', 'hex')]),
      1,
    ],
    [
      'a name of 257 bytes',
      Buffer.concat([
        header('01000001000000000000'),
        Buffer.from(`3f${'61'.repeat(63)}`.repeat(4) + '0000010001', 'hex'),
      ]),
      1,
    ],
  ])('%s is refused with its id', (_what, message, code) => {
    expect(decodeQuery(message)).toEqual({ id: 0x1234, code });
  });

  test('any bytes at all are decoded without an exception, and what is a query can be answered', () => {
    const bytes = fc.uint8Array({ maxLength: 80 });
    const shaped = fc
      .tuple(fc.uint8Array({ minLength: 2, maxLength: 2 }), bytes)
      .map(([id, rest]) =>
        Buffer.concat([id, Buffer.from('0100000100000000', 'hex'), Buffer.alloc(2), rest]),
      );
    fc.assert(
      fc.property(fc.oneof(bytes, shaped), (message) => {
        const query = decodeQuery(message);
        if (!query || 'code' in query) return;
        const answer = encodeResponse(query, { code: 0, answers: [] }, udpLimit(query));
        expect(readResponse(answer)).toMatchObject({ id: query.id, code: 0, answers: [] });
      }),
      { numRuns: 3000 },
    );
  });
});

describe('responses', () => {
  const query = decodeQuery(queryFor('many.shop.svc.cluster.local', recordTypes.A, { id: 7 }));
  if (!query || 'code' in query) throw new Error('no query');
  const answers = Array.from({ length: 60 }, (_, index) => ({
    name: query.name,
    type: recordTypes.A,
    ttl: 5,
    data: Uint8Array.of(10, 0, 0, index),
  }));

  test('carry their records', () => {
    const {
      answers: read,
      authoritative,
      truncated,
    } = readResponse(encodeResponse(query, { code: 0, answers }, 65_535));
    expect(read.map(({ name, data }) => [name, data])).toEqual(
      answers.map(({ data }) => [query.name, `10.0.0.${data[3]}`]),
    );
    expect([authoritative, truncated]).toEqual([true, false]);
  });

  test('that are too long for a datagram are cut and say so', () => {
    const cut = encodeResponse(query, { code: 0, answers }, udpLimit(query));
    expect(cut.length).toBeLessThanOrEqual(512);
    expect(readResponse(cut)).toMatchObject({ id: 7, truncated: true, answers: [] });
  });

  test('honour the size that the client takes, within reason', () => {
    const limits = [undefined, 0, 600, 4096].map((udpSize) =>
      udpLimit({ ...query, ...(udpSize === undefined ? {} : { udpSize }) }),
    );
    expect(limits).toEqual([512, 512, 600, 1232]);
  });
});
