import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { failure, warning, type Diagnostic } from '../../../src/errors.ts';
import { renderDiagnostics } from '../../../src/cli/render/diagnostics.ts';
import { displayWidth } from '../../../src/cli/render/display-width.ts';
import { plainTerminal } from '../../../src/cli/render/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-diagnostics-'));
afterAll(() => rmSync(folder, { recursive: true }));

function render(source: string | Uint8Array, diagnostic: Diagnostic, columns = 80): string {
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, source);
  const placed = diagnostic.position
    ? { ...diagnostic, position: { ...diagnostic.position, file } }
    : diagnostic;
  return renderDiagnostics([placed], { ...plainTerminal, columns }).replaceAll(folder, '');
}

const at = (line: number, column: number) => ({ position: { file: '', line, column } });

describe('renderDiagnostics', () => {
  it('shows the line and a caret under the column', () => {
    const error = failure('POLICY_UNKNOWN_FIELD', 'unknown field "form"', {
      ...at(3, 5),
      field: 'spec.ingress[0].form',
      hint: 'Did you mean "from"?',
    });
    expect(render('spec:\n  ingress:\n  - form: []\n', error)).toBe(
      `/policy.yaml:3:5: error POLICY_UNKNOWN_FIELD: spec.ingress[0].form: unknown field "form"
  3 |   - form: []
    |     ^
  hint: Did you mean "from"?
`,
    );
  });

  it('shows only the message where there is no position', () => {
    expect(render('', warning('EMPTY', 'nothing there'))).toBe('warning EMPTY: nothing there\n');
  });

  it('shows only the position where the source cannot be read', () => {
    const position = { file: '-', line: 1, column: 1 };
    expect(renderDiagnostics([failure('X', 'broken', { position })], plainTerminal)).toBe(
      '-:1:1: error X: broken\n',
    );
  });

  it('keeps a tab, a wide character and the caret in line', () => {
    expect(render('\ta: 購 b\n', failure('X', 'm', at(1, 7)))).toContain('  1 |  a: 購 b\n    |        ^\n');
  });

  it.each([1, 90, 200, 399])('cuts a long line around column %i', (column) => {
    const line = [...Array(400).keys()].map((index) => String(index % 10)).join('');
    const [, excerpt = '', caret = ''] = render(line, failure('X', 'm', at(1, column))).split('\n');
    expect(displayWidth(excerpt)).toBeLessThanOrEqual(80);
    expect(excerpt[caret.indexOf('^')]).toBe(line[column - 1]);
  });

  it('lets no control character of a message reach the terminal', () => {
    const output = render('', failure('X', 'bad \u001b[31mname', { hint: 'not \u0007', field: 'a\u009b' }));
    expect(output).toBe('error X: a·: bad ·[31mname\n  hint: not ·\n');
  });

  it('lets no control character of the source reach the terminal', () => {
    const output = render(
      new Uint8Array([0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x07, 0xff, 0x0a]),
      failure('X', 'm', at(1, 1)),
    );
    expect(output).toContain('  1 | ·[31m··\n');
  });
});
