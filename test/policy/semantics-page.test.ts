import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/semantics.md', 'utf8');
const rows = page
  .split('\n')
  .filter((line) => /^\| \d+ /.test(line))
  .map((line) => line.split('|').map((field) => field.trim()));

/** `file`: name of a test or of a part of it; … */
const references = rows.flatMap(([, number = '', , tests = '']) =>
  [...tests.matchAll(/`(test\/[^`]+)`: ([^;]+)/g)].map(([, file = '', name = '']) => ({
    number,
    file,
    name: name.trim(),
  })),
);

describe('docs/semantics.md', () => {
  it('has every corner case once', () => {
    const numbers = rows.map(([, number]) => Number(number));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 56 }, (_, index) => index + 1));
  });

  it('names a test for each decision', () => {
    const decided = page.slice(0, page.indexOf('## Not decided yet'));
    const numbers = [...decided.matchAll(/^\| (\d+) /gm)].map(([, number]) => number);
    const tested = new Set(references.map(({ number }) => number));
    expect(numbers.filter((number) => number !== undefined && !tested.has(number))).toEqual([]);
  });

  it.each(references)('corner case $number: $file has "$name"', ({ file, name }) => {
    const text = readFileSync(file, 'utf8');
    expect(text.includes(`${name}:`) || new RegExp(`['"\`]${escape(name)}['"\`]`).test(text)).toBe(true);
  });
});

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
