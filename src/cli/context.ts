/**
 * What a command may touch of its process: two streams, the environment and standard input. Tests hand in their own,
 * so that every command runs in-process too.
 */
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

export interface Stream {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Columns of the terminal; undefined when it is none. */
  readonly columns: number | undefined;
}

export interface Context {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All of standard input, as text. */
  readStdin(): string;
}

export function processContext(): Context {
  return {
    stdout: streamOf(process.stdout, isatty(1)),
    stderr: streamOf(process.stderr, isatty(2)),
    env: process.env,
    readStdin: () => readFileSync(0, 'utf8'),
  };
}

function streamOf(stream: NodeJS.WriteStream, isTerminal: boolean): Stream {
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    columns: isTerminal ? stream.columns : undefined,
  };
}
