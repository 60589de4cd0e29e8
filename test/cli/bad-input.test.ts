/** Bad input on the command line: exit code 2, nothing on stdout, and on stderr what, where and what to do. */
import { describe, expect, it } from 'vitest';
import { bulkhead } from './run-in-process.ts';

const bad = 'test/cli/fixtures/bad';
const workloads = 'test/cli/fixtures/workloads.yaml';

const cases: Readonly<
  Record<string, { readonly args: readonly string[]; readonly says: readonly RegExp[] }>
> = {
  'a misspelt field of a policy': {
    args: ['matrix', `${bad}/unknown-field.yaml`],
    says: [
      /^test\/cli\/fixtures\/bad\/unknown-field\.yaml:9:7: error POLICY_UNKNOWN_FIELD: .*form/,
      /\n {2}9 \| {5}- form:\n {4}\| {7}\^\n/,
      /\n {2}hint: .*from/,
    ],
  },
  'broken YAML': {
    args: ['check', `${bad}/syntax.yaml`],
    says: [/^test\/cli\/fixtures\/bad\/syntax\.yaml:\d+:\d+: error YAML_SYNTAX/, /\n {2}hint: /],
  },
  'an object that is defined twice': {
    args: ['compile', `${bad}/duplicate.yaml`],
    says: [/duplicate\.yaml:\d+:\d+: error OBJECT_DUPLICATE/, /\n {2}hint: /],
  },
  'a binary file': {
    args: ['check', `${bad}/binary.yaml`],
    says: [/error FILE_BINARY/, /\n {2}hint: /],
  },
  'a path that does not exist': {
    args: ['check', `${bad}/no-such-file.yaml`],
    says: [/error FILE_NOT_FOUND/, /\n {2}hint: /],
  },
  'no path': {
    args: ['check'],
    says: [/^error CLI_MISSING_ARGUMENT: missing required argument 'path'/],
  },
  'an unknown workload': {
    args: ['explain', workloads, '--from', 'shop/fronted', '--to', 'shop/cart', '--port', '70'],
    says: [/^error EXPLAIN_UNKNOWN_ENDPOINT: .*"shop\/fronted"\n {2}hint: Did you mean shop\/frontend\?/],
  },
  'a number that is none': {
    args: ['matrix', '--nodes', 'many', 'examples/shop'],
    says: [/^error CLI_INVALID_VALUE: option '--nodes <count>' argument 'many' is invalid/],
  },
};

describe('bad input', () => {
  for (const [name, { args, says }] of Object.entries(cases)) {
    it(`refuses ${name}`, async () => {
      const { code, stdout, stderr } = await bulkhead(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      for (const pattern of says) expect(stderr).toMatch(pattern);
    });

    it(`refuses ${name}, as JSON`, async () => {
      const { code, stdout, stderr } = await bulkhead([...args, '-o', 'json']);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(JSON.parse(stderr)).toMatchObject({ diagnostics: [{ severity: 'error' }] });
    });
  }

  it('tells all errors at once', async () => {
    const { stderr } = await bulkhead(['check', bad]);
    for (const code of ['POLICY_UNKNOWN_FIELD', 'YAML_SYNTAX', 'FILE_BINARY']) expect(stderr).toContain(code);
  });

  it('goes on after a misspelt field when told so', async () => {
    const { code, stderr } = await bulkhead([
      'matrix',
      '--unknown-fields',
      'warn',
      `${bad}/unknown-field.yaml`,
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/unknown-field\.yaml:9:7: warning POLICY_UNKNOWN_FIELD/);
  });
});
