import { describe, expect, test } from 'vitest';
import {
  checkDns1035Label,
  checkDns1123Label,
  checkDns1123Subdomain,
  checkLabelKey,
  checkLabelValue,
  checkPortName,
  checkPortNumber,
} from '../../src/objects/names.ts';

// Cases of k8s.io/apimachinery/pkg/util/validation/validation_test.go.
const cases: readonly (readonly [(text: string) => string[], readonly string[], readonly string[]])[] = [
  [
    checkDns1123Label,
    ['a', 'ab', 'abc', 'a1', 'a-1', 'a--1--2--b', '0', '01', '1a', '1-a', 'a'.repeat(63)],
    ['', 'A', 'ABC', '-', 'a-', '-a', '1-', '_', 'a_b', 'a.b', ' ', 'a b', 'a'.repeat(64)],
  ],
  [
    checkDns1123Subdomain,
    ['a', 'a.a', 'a-1.b', '0.1.2', 'a.b-1.c', 'a'.repeat(63), `${'a'.repeat(100)}.b`],
    ['', 'A', '.', 'a.', '.a', 'a..b', 'a._b', 'a.B', '-a.b', 'a.b-', 'a'.repeat(254)],
  ],
  [checkDns1035Label, ['a', 'ab', 'a1', 'a-1'], ['0', '1a', 'A', 'a-', 'a.b', 'a'.repeat(64)]],
  [
    checkLabelKey,
    [
      'simple',
      'now-with-dashes',
      '1-starts',
      '1234',
      'simple/simple',
      'a.b.c/d',
      'UpperCase',
      'x/A_b.c',
      'a'.repeat(63),
    ],
    ['', 'no space', '-bad', 'bad-', 'a/b/c', '/a', 'a/', 'Up/case', 'a'.repeat(64), `${'a'.repeat(254)}/a`],
  ],
  [
    checkLabelValue,
    ['', 'simple', '1', 'a_b.c-d', 'A', 'a'.repeat(63)],
    ['no space', 'bad-', '-bad', 'a/b', 'ümlaut', 'a'.repeat(64)],
  ],
  [
    checkPortName,
    ['telnet', 're-mail-ck', 'pop3', 'a', 'a-1', '1-a', '1-a-1-b-2-c', '1a1bb22c3'],
    ['', 'longerthan15char', '12345', '1-2', '-begin', 'end-', 'two--hyphens', 'whois++', 'HTTP'],
  ],
];

describe.each(cases)('%o', (check, good, bad) => {
  test.each(good)('accepts %j', (text) => expect(check(text)).toEqual([]));
  test.each(bad)('refuses %j', (text) => expect(check(text)).not.toEqual([]));
});

test('port numbers', () => {
  expect([1, 80, 65535].flatMap(checkPortNumber)).toEqual([]);
  expect([-1, 0, 65536].map((port) => checkPortNumber(port).length)).toEqual([1, 1, 1]);
});

test('messages are those of the API server', () => {
  expect(checkLabelValue('a b')).toEqual([
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  ]);
});
