/** What kubectl prints, and where in it everything stands. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Composer, isMap, isScalar, isSeq, LineCounter, Parser } from 'yaml';
import type { Node } from 'yaml';
import { scalarValue } from '../../../src/objects/scalar.ts';
import { printAsKubectl } from '../../../src/sources/api/kubectl-yaml.ts';
import { policyDocument } from '../../../src/sources/api/policy-document.ts';

const read = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');

test('a policy with everything that is hard to print is printed as kubectl does', () => {
  // fixtures/kubectl-output.yaml is what kubectl 1.32 makes of kubectl-input.json:
  //   kubectl label --local --overwrite -f kubectl-input.json num=0777 -o yaml
  const object = JSON.parse(read('fixtures/kubectl-input.json')) as Record<string, unknown>;
  const { text } = policyDocument(object, 'networking.k8s.io/v1');
  expect(text.split('\n')).toEqual(read('fixtures/kubectl-output.yaml').split('\n'));
});

const awkward = fc.string({
  unit: fc.constantFrom(
    ...Array.from('ab01 -:#?"\'\\\n\t._{[!&*%@`|>,ü漢😀~'),
    'word ',
    '1e3',
    '=',
    'null',
    'yes',
  ),
  maxLength: 60,
});
const key = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from('ab01-._/')), minLength: 1, maxLength: 160 }),
  awkward,
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    awkward,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
})).object;

test('what is printed is read again as it was, and stands where it is said to stand', () => {
  fc.assert(
    fc.property(json, (value) => {
      const { text, root, lines } = printAsKubectl(value);
      const counter = new LineCounter();
      const composer = new Composer({ schema: 'failsafe', uniqueKeys: false });
      const [document] = [...composer.compose(new Parser(counter.addNewLine).parse(text))];
      expect(document?.errors).toEqual([]);
      const parsed = document?.contents as Node;
      expect(plain(parsed)).toEqual(plain(root));
      expect(plain(parsed)).toEqual(value);
      expect(places(root, lines)).toEqual(places(parsed, counter));
    }),
    { numRuns: 2_000 },
  );
});

/** The value that a node stands for. */
function plain(node: unknown): unknown {
  if (isMap(node))
    return Object.fromEntries(node.items.map(({ key: name, value }) => [keyOf(name), plain(value)]));
  if (isSeq(node)) return node.items.map(plain);
  return isScalar(node) ? scalarValue(node) : null;
}

function keyOf(node: unknown): string {
  return isScalar(node) ? String(node.value) : '';
}

/** Line and column of everything, in order. */
function places(node: unknown, lines: LineCounter): string[] {
  const { range } = node as Node;
  const { line, col } = lines.linePos(range?.[0] ?? 0);
  const inner = isMap(node)
    ? node.items.flatMap((pair) => [...places(pair.key, lines), ...places(pair.value, lines)])
    : isSeq(node)
      ? node.items.flatMap((item) => places(item, lines))
      : [];
  return [`${line}:${col}`, ...inner];
}
