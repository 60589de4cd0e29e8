/**
 * Everything that a user can be told is one of two things: an error that stops the command (exit code 2), or a
 * diagnostic that is collected and printed beside the result. Both carry a stable code, a position where there is
 * one, and what to do about it. Programmer errors stay plain `Error`.
 */

/** A place in a source file; `line` and `column` count from 1. `file` is as the user named it, `-` for stdin. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** Stable, upper snake case, documented in docs/errors.md, e.g. `POLICY_UNKNOWN_FIELD`. */
  readonly code: string;
  readonly message: string;
  /** What to do. One sentence, imperative. */
  readonly hint?: string;
  readonly position?: Position;
  /** Path of the field inside its object, in the API server's notation: `spec.ingress[0].from[1].ipBlock.cidr`. */
  readonly field?: string;
}

/** Thrown where a command can't go on. Holds at least one diagnostic of severity `error`. */
export class BulkheadError extends Error {
  override readonly name = 'BulkheadError';
  readonly code: string;
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: Diagnostic | readonly Diagnostic[], options?: { cause?: unknown }) {
    const list = Array.isArray(diagnostics)
      ? (diagnostics as readonly Diagnostic[])
      : [diagnostics as Diagnostic];
    super(list.map(formatDiagnostic).join('\n'), options);
    this.code = list[0]?.code ?? 'UNKNOWN';
    this.diagnostics = list;
  }
}

/** One shape for every user-visible failure: throw new BulkheadError(failure('CODE', 'message', { hint })). */
export function failure(
  code: string,
  message: string,
  rest: Omit<Diagnostic, 'severity' | 'code' | 'message'> = {},
): Diagnostic {
  return { severity: 'error', code, message, ...rest };
}

export function warning(
  code: string,
  message: string,
  rest: Omit<Diagnostic, 'severity' | 'code' | 'message'> = {},
): Diagnostic {
  return { severity: 'warning', code, message, ...rest };
}

export function formatPosition(position: Position): string {
  return `${position.file}:${position.line}:${position.column}`;
}

/** `file:line:column: error CODE: field: message (hint)` as compilers print it, so that editors can jump to it. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const where = diagnostic.position ? `${formatPosition(diagnostic.position)}: ` : '';
  const field = diagnostic.field ? `${diagnostic.field}: ` : '';
  const hint = diagnostic.hint ? `\n  hint: ${diagnostic.hint}` : '';
  return `${where}${diagnostic.severity} ${diagnostic.code}: ${field}${diagnostic.message}${hint}`;
}

/** What a user can be told of why the action failed; undefined: it did not. Programmer errors are thrown. */
export function failureOf(action: () => unknown): BulkheadError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof BulkheadError) return error;
    throw error;
  }
}
