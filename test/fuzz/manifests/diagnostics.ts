/** What a user who is told no can do something with. */
import { ok, strictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { formatDiagnostic } from '../../../src/errors.ts';
import type { Diagnostic } from '../../../src/errors.ts';

/** Rows `CODE` of docs/errors.md. */
const codes = new Set(
  [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `([A-Z0-9_]+)` /gm)].map(([, code]) => code),
);

/** About the objects together, not one of them; or about a file that is no text. */
const withoutPlace = new Set([
  'NOTHING_FOUND',
  'FILE_BINARY',
  'FILE_ENCODING',
  'FILE_UNREADABLE',
  'FILE_NOT_FOUND',
]);

/** `text`: what it is about; undefined: that is no text. */
export function checkDiagnostics(
  diagnostics: readonly Diagnostic[],
  { text, severity }: { text: string | undefined; severity: Diagnostic['severity'] },
): void {
  ok(severity === 'warning' || diagnostics.length > 0, 'refused, and nobody knows why');
  for (const diagnostic of diagnostics) {
    const { code, message, hint, position } = diagnostic;
    const printed = formatDiagnostic(diagnostic);
    strictEqual(diagnostic.severity, severity, printed);
    ok(codes.has(code) && code !== 'CLI_INTERNAL', `undocumented: ${printed}`);
    ok(message && hint, `no hint: ${printed}`);
    ok(
      !/\bundefined\b|\[object |\bNaN\b/.test(message + hint) || mentions(text),
      `slipped through: ${printed}`,
    );
    ok(position || withoutPlace.has(code), `nowhere: ${printed}`);
    if (!position || text === undefined) continue;
    const line = text.split('\n')[position.line - 1];
    ok(line !== undefined, `beyond the end: ${printed}`);
    ok(position.column >= 1 && position.column <= line.length + 1, `beyond the line: ${printed}`);
  }
}

/** The word is the manifest's own. */
function mentions(text = ''): boolean {
  return /undefined|NaN|object/i.test(text);
}
