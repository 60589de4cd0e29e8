import type { Diagnostic } from '../errors.ts';
import type { Context } from './context.ts';
import { terminalOf } from './terminal-of.ts';

/** Errors and warnings go to stderr: for people with an excerpt of the source, with -o json as one JSON object. */
export async function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  { context, json, colour }: { context: Context; json: boolean; colour: boolean },
): Promise<void> {
  if (diagnostics.length === 0) return;
  if (json) {
    context.stderr.write(`${JSON.stringify({ diagnostics }, undefined, 2)}\n`);
    return;
  }
  const { renderDiagnostics } = await import('./render/diagnostics.ts');
  context.stderr.write(renderDiagnostics(diagnostics, terminalOf(context.stderr, context.env, colour)));
}
