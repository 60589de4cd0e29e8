/** Runs `ip` and `nft` inside a namespace of the lab with a script on standard input. */
import { spawn } from 'node:child_process';
import { BulkheadError, failure } from '../../errors.ts';
import { inNetns } from '../../kernel/netns.ts';
import { netnsPath } from './names.ts';

export interface ToolRun {
  readonly netns: string;
  readonly command: readonly [tool: 'ip' | 'nft', ...args: string[]];
  readonly script: string;
  /**
   * The lab's lock. The child inherits it, so that a child which outlives a killed parent still keeps everyone else
   * away from the lab until it is done.
   */
  readonly lock: number;
  /** A failure of the script (not of starting the tool) is expected and fine. */
  readonly mayFail?: boolean;
}

const packages = { ip: 'iproute2', nft: 'nftables' } as const;

/** Rejects with BulkheadError LAB_TOOL_MISSING or LAB_NETWORK_FAILED (with what the tool said). */
export async function runTool(run: ToolRun): Promise<void> {
  const { netns, script, lock } = run;
  const [tool, ...args] = run.command;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = inNetns(netnsPath(netns), () =>
    spawn(tool, args, { stdio: ['pipe', 'ignore', 'pipe', lock] }),
  );
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  child.on('error', (cause: NodeJS.ErrnoException) => {
    const missing = failure('LAB_TOOL_MISSING', `the command "${tool}" is not installed`, {
      hint: `Install it: apt-get install ${packages[tool]}`,
    });
    const failed = failure('LAB_NETWORK_FAILED', `${tool} did not start: ${cause.message}`);
    reject(new BulkheadError(cause.code === 'ENOENT' ? missing : failed, { cause }));
  });
  child.on('close', (code, signal) => {
    if (code === 0 || (run.mayFail && signal === null)) return resolve();
    reject(
      new BulkheadError(
        failure(
          'LAB_NETWORK_FAILED',
          `${tool} in ${netns} ended with ${signal ?? code}: ${complaint.trim()}`,
          {
            hint: 'Take the lab down and up again; please report it if it happens again.',
          },
        ),
      ),
    );
  });
  // EPIPE: the tool ended early and says why on stderr.
  child.stdin?.on('error', () => undefined).end(script);
  return promise;
}

/** Runs `action` for all items, at most `limit` at once; rejects with the first failure after all have ended. */
export async function forEachLimited<T>(
  items: readonly T[],
  limit: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await action(item);
  };
  const outcomes = await Promise.allSettled(Array.from({ length: limit }, worker));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
