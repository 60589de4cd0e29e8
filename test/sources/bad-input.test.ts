import { describe, expect, test } from 'vitest';
import { brief, errorsOf } from '../objects/decode.ts';

const pod = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n';

describe('text that is no YAML', () => {
  test.each([
    ['a tab', `${pod}\tlabels: {}\n`, 5, 'Tabs are not allowed as indentation', 'Indent with spaces'],
    ['wrong indentation', `${pod}   labels: {}\n`, 4, '', 'Mend the text here'],
    ['a missing quote', `${pod}  namespace: "b\n`, 6, 'Missing closing "quote', 'ends too early'],
    ['a truncated list', `${pod}  labels: {a: b,\n`, 6, 'Flow map', 'ends too early'],
    ['a truncated key', `${pod}  labe`, 5, '', 'ends too early'],
    ['a merge conflict', `<<<<<<< HEAD\n${pod}=======\n`, 1, '', 'Resolve the merge conflict'],
    ['a template', `${pod}  {{- if .Values.x }}\n  labels: {}\n  {{- end }}\n`, 5, '', 'render it first'],
    ['several JSON objects', '{"kind":"Pod"}\n{"kind":"Pod"}\n', 2, '', 'kind: List'],
  ])('%s', (...[, text, line, message, hint]) => {
    expect(errorsOf(text)).toEqual([
      expect.objectContaining({
        code: 'YAML_SYNTAX',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
        position: expect.objectContaining({ file: 'test.yaml', line }),
      }),
    ]);
  });

  test('a template that happens to be YAML', () => {
    expect(errorsOf(pod.replace(': a', ': {{ .Release.Name }}'))).toEqual([
      expect.objectContaining({ code: 'FIELD_TYPE', hint: 'This is a template: render it first.' }),
    ]);
  });

  test('every broken document of a file is reported', () => {
    expect(errorsOf(`a: [\n---\n${pod}---\nb: {\n---\nc: }\n`).map(({ position }) => position?.line)).toEqual(
      [2, 9, 10],
    );
  });
});

test('duplicate keys, wherever they are', () => {
  expect(brief(errorsOf(`${pod}  name: b\nspec: {x: {z: 1, "z": 2}}\n`))).toEqual([
    '5:3 YAML_DUPLICATE_KEY key "name" is already set in this object',
    '6:18 YAML_DUPLICATE_KEY key "z" is already set in this object',
  ]);
});

describe('merges', () => {
  const labels = (text: string): string[] => brief(errorsOf(`${pod}spec:\n  x: &x {a: 1}\n  y: ${text}\n`));
  const problem =
    '7:_ YAML_DUPLICATE_KEY what is merged here has the key "a", which is already set in this object';
  test.each([
    // kubectl's parser goes by the order of the text, others by what is written out.
    ['{a: 2, <<: *x}', [problem.replace('_', '13')]],
    ['{<<: *x, <<: {a: 3}}', [problem.replace('_', '15')]],
    ['{a: 2, <<: {<<: [{b: 1}, *x]}}', [problem.replace('_', '13')]],
    ['{<<: *x, a: 2}', []],
    ['{<<: [*x, {a: 3}]}', []],
    ['{b: 2, <<: *x}', []],
    ['{<<: 80}', ['7:7 YAML_MERGE what is merged here is no object']],
    ['{<<: }', ['7:7 YAML_MERGE what is merged here is no object']],
    ['{<<: [*x, [*x]]}', ['7:7 YAML_MERGE what is merged here is no object']],
    ['{"<<": 80}', []],
  ])('%s', (text, messages) => {
    expect(labels(text)).toEqual(messages);
  });
});

test.each(['!!binary YWJj', '!secret x', '!!set {a}', '! 12', '!!int x', '!!str {a: b}', '!!map x'])(
  'the tag of %s',
  (text) => {
    expect(errorsOf(`${pod}  labels: { app: ${text} }\n`).map(({ code }) => code)).toContain('YAML_TAG');
  },
);

describe('aliases', () => {
  test.each([
    ['within their own anchor', `a: &a [*a]\n${pod}`, "1:8 YAML_ALIAS anchor 'a' value contains itself"],
    ['without an anchor', `a: *b\n${pod}`, "1:4 YAML_ALIAS unknown anchor 'b' referenced"],
  ])('%s', (_, text, message) => {
    expect(brief(errorsOf(text))).toEqual([message]);
  });

  test('a bomb is refused without being set off', () => {
    const levels = Array.from('bcdefghijklmnop').map((name, index) => {
      const before = String.fromCharCode(name.charCodeAt(0) - 1);
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}] # 9^${index + 2}`;
    });
    const text = `a: &a [x, x, x, x, x, x, x, x, x]\n${levels.join('\n')}\n${pod}`;
    expect(brief(errorsOf(text))).toEqual(['1:1 YAML_ALIAS_BOMB document contains excessive aliasing']);
  });

  test('a bomb of merge keys too', () => {
    const levels = Array.from('bcdefghijklmnop').map((name) => {
      const before = String.fromCharCode(name.charCodeAt(0) - 1);
      return `${name}: &${name} { <<: [${Array(9).fill(`*${before}`).join(', ')}] }`;
    });
    const text = `a: &a { x: y }\n${levels.join('\n')}\n${pod}spec: *p\n`;
    expect(errorsOf(text).map(({ code }) => code)).toEqual(['YAML_ALIAS_BOMB']);
  });
});

test.each([300, 10_000])('%i levels of nesting', (depth) => {
  const errors = errorsOf(`${pod}spec: ${'['.repeat(depth)}${']'.repeat(depth)}\n`);
  expect(errors[0]).toMatchObject({ code: 'YAML_TOO_DEEP', position: { file: 'test.yaml' } });
});

test('a wide object takes no longer than it should', () => {
  // Were keys compared pairwise, this would take far longer.
  const wide = Array.from({ length: 10_000 }, (_, index) => `k${index}: v`).join(', ');
  expect(errorsOf(`${pod}data: {${wide}}\n`)).toEqual([]);
});

test('all errors of a run are reported at once, by file and line', () => {
  const text = `apiVersion: v1
kind: Service
metadata: { name: Shop }
spec: { ports: [{ port: 99999 }], type: nodeport }
---
apiVersion: v1
kind: Pod
metadata: { labels: [] }
`;
  expect(errorsOf(text).map(({ code, position, field }) => [code, position?.line, field])).toEqual([
    ['FIELD_INVALID', 3, 'metadata.name'],
    ['FIELD_INVALID', 4, 'spec.ports[0].port'],
    ['FIELD_NOT_SUPPORTED', 4, 'spec.type'],
    ['FIELD_REQUIRED', 8, 'metadata'],
    ['FIELD_TYPE', 8, 'metadata.labels'],
  ]);
});
