/** Diagnostics for people: as compilers print them, with the line of the source and a caret under the column. */
import { formatPosition, type Diagnostic } from '../../errors.ts';
import { renderExcerpt } from './excerpt.ts';
import { printable } from './printable.ts';
import { paint, type Style, type Terminal } from './terminal.ts';

const styles: Readonly<Record<Diagnostic['severity'], Style>> = {
  error: ['bold', 'red'],
  warning: ['bold', 'yellow'],
};

/** One block per diagnostic; ends with a newline. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], terminal: Terminal): string {
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, terminal)).join('');
}

function renderDiagnostic(diagnostic: Diagnostic, terminal: Terminal): string {
  const { severity, code, message, hint, position, field } = diagnostic;
  const where = position ? `${printable(formatPosition(position))}: ` : '';
  const label = paint(terminal, styles[severity], `${severity} ${code}`);
  const lines = [`${where}${label}: ${printable(`${field ? `${field}: ` : ''}${message}`)}`];
  if (position) lines.push(...renderExcerpt(position, terminal, styles[severity]));
  if (hint) lines.push(`  ${paint(terminal, 'cyan', 'hint:')} ${printable(hint)}`);
  return `${lines.join('\n')}\n`;
}
