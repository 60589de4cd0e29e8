/** Runs the command line inside the test, with its own streams. */
import type { Context, Stream } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/run.ts';

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Surroundings {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  /** Columns of the terminal; absent: stdout and stderr are pipes. */
  readonly terminal?: number;
}

export async function bulkhead(args: readonly string[], surroundings: Surroundings = {}): Promise<Run> {
  const stdout = collect(surroundings.terminal);
  const stderr = collect(surroundings.terminal);
  const context: Context = {
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: surroundings.env ?? {},
    readStdin: () => surroundings.stdin ?? '',
  };
  const code = await runCli(args, context);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function collect(terminal: number | undefined): { stream: Stream; text(): string } {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  return {
    stream: { write, isTerminal: terminal !== undefined, columns: terminal },
    text: () => text,
  };
}
