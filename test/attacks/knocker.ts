/** Datagrams that knock from a process of their own, whatever this one is busy with, and those that got through. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Route } from './knocking.ts';

export class Knocker {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;

  private constructor(routes: readonly Route[]) {
    const script = join(import.meta.dirname, 'knocking.ts');
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', script, JSON.stringify(routes)],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
  }

  /** Knocks from now on. */
  static async start(routes: readonly Route[]): Promise<Knocker> {
    const knocker = new Knocker(routes);
    await once(knocker.#child.stdout, 'data');
    return knocker;
  }

  /** How often it knocked by each route. */
  async stop(): Promise<number> {
    const said = once(this.#child.stdout, 'data') as Promise<[Buffer]>;
    this.#child.stdin.end();
    const [count] = await said;
    return Number(count.toString());
  }
}

/** The numbers of the datagrams of a route among some packets. */
export function knocksIn(packets: readonly Buffer[], name: string): Set<number> {
  const pattern = new RegExp(`<${name} (\\d+)>`);
  return new Set(
    packets
      .flatMap((bytes) => pattern.exec(bytes.toString('latin1'))?.[1] ?? [])
      .values()
      .map(Number),
  );
}
