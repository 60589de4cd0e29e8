/** Runs a program to its end. */
import { spawn } from 'node:child_process';

/**
 * Gives its standard output. Rejects with what it said on standard error if it fails or cannot be started. The process is
 * made before this returns: called in another namespace, it runs there.
 */
export async function run(program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  // EPIPE: the program ended early and says why on standard error.
  child.stdin.on('error', () => undefined).end(input);
  return new Promise<string>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error(`${program} does not start: ${cause.message}`, { cause })));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(output).toString());
      reject(new Error(`${program} ${args.join(' ')} ended with ${signal ?? code}: ${complaint.trim()}`));
    });
  });
}
