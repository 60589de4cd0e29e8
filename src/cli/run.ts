/** One run of the command line from arguments to exit code; the one place where errors are printed. */
import { CommanderError } from 'commander';
import { BulkheadError, failure, type Diagnostic } from '../errors.ts';
import type { Session } from './command.ts';
import type { Context } from './context.ts';
import { printDiagnostics } from './print-diagnostics.ts';
import { buildProgram } from './program.ts';
import { usageError } from './usage-error.ts';

/** Exit code of every error: bad usage, bad input, missing rights, a defect of ours. */
export const errorExitCode = 2;

/** @param args what follows `bulkhead` on the command line */
export async function runCli(args: readonly string[], context: Context): Promise<number> {
  const session: Session = { context, exitCode: 0 };
  try {
    await buildProgram(session).parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' });
    return session.exitCode;
  } catch (error) {
    const printed = error instanceof CommanderError && isHelp(error);
    if (printed) return error.exitCode === 0 ? 0 : errorExitCode;
    return printError(error, args, context);
  }
}

/** Prints it in the form that the arguments ask for. @returns the exit code */
export async function printError(error: unknown, args: readonly string[], context: Context): Promise<number> {
  await printDiagnostics(diagnosticsOf(error), {
    context,
    json: wantsJson(args),
    colour: !args.includes('--no-color'),
  });
  return errorExitCode;
}

/** `--help`, `--version` and a group without its subcommand: commander has printed the answer already. */
function isHelp(error: CommanderError): boolean {
  return ['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(error.code);
}

function diagnosticsOf(error: unknown): readonly Diagnostic[] {
  if (error instanceof BulkheadError) return error.diagnostics;
  if (error instanceof CommanderError) return [usageError(error)];
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [
    failure('CLI_INTERNAL', `unexpected error: ${detail}`, {
      hint: 'This is a defect of bulkhead; please report it with the command and its input.',
    }),
  ];
}

/** The errors of a run whose options could not even be parsed are JSON too when -o json is among the arguments. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  return own.some(
    (arg, index) =>
      arg === '-ojson' ||
      arg === '--output=json' ||
      ((arg === '-o' || arg === '--output') && own[index + 1] === 'json'),
  );
}
