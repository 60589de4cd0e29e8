/**
 * A node for an agent alone: a network namespace and a BPF file system of its own. It has no pods, so nothing passes it;
 * its tables are those of any node.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { relay } from '../../test/cluster/relay.ts';
import { ensureBpffs } from '../kernel/bpffs.ts';
import { unmountAll } from '../kernel/mount.ts';
import { createNetns, deleteNetns, inNetns } from '../kernel/netns.ts';

export interface ProcessUse {
  readonly cpuSeconds: number;
  readonly rssMiB: number;
  /** The most that it ever was. */
  readonly peakMiB: number;
}

const command = join(import.meta.dirname, '../../bin/bulkhead');
/** Of /proc, a second. */
const clockTicks = 100;

export class AgentNode {
  readonly #netns = `/run/netns/bhbench-${process.pid}`;
  readonly #directory = mkdtempSync(join(tmpdir(), 'bulkhead-bench-'));
  readonly #forwarder: Server;

  /** `apiPort`: of an API server on the host's loopback. It is on the node's loopback, too. */
  constructor(apiPort: number) {
    mkdirSync('/run/netns', { recursive: true });
    createNetns(this.#netns);
    this.#forwarder = relay({ host: '127.0.0.1', port: apiPort });
    inNetns(this.#netns, () => {
      spawnSync('ip', ['link', 'set', 'lo', 'up']);
      // Given an address it would be bound later, when the thread is elsewhere.
      this.#forwarder.listen(apiPort);
    });
    ensureBpffs(this.#bpffs);
  }

  /** From its first instruction until it says that the kernel enforces. */
  async startAgent(options: readonly string[]): Promise<AgentProcess> {
    const runDirectory = join(this.#directory, 'run');
    const place = ['--bpffs', this.#bpffs, '--run-dir', runDirectory, '--cni-conf-dir', this.#directory];
    const started = performance.now();
    const child = inNetns(this.#netns, () =>
      spawn(command, ['agent', ...place, ...options], { stdio: ['ignore', 'ignore', 'pipe'] }),
    );
    await logged(child, 'synced: ');
    return new AgentProcess(child, join(runDirectory, 'debug.sock'), (performance.now() - started) / 1000);
  }

  remove(): void {
    this.#forwarder.close();
    unmountAll(this.#bpffs);
    deleteNetns(this.#netns);
    rmSync(this.#directory, { recursive: true });
  }

  /** Nothing is left of what agents put into the kernel. */
  reset(): void {
    unmountAll(this.#bpffs);
    ensureBpffs(this.#bpffs);
  }

  get #bpffs(): string {
    return join(this.#directory, 'bpf');
  }
}

export class AgentProcess {
  /** Seconds that it took to enforce. */
  readonly start: number;
  readonly #child: ChildProcess;
  readonly #socket: string;

  constructor(child: ChildProcess, socket: string, start: number) {
    this.#child = child;
    this.#socket = socket;
    this.start = start;
  }

  get use(): ProcessUse {
    const proc = `/proc/${this.#child.pid}`;
    const status = readFileSync(`${proc}/status`, 'utf8');
    const mebibytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
    // After the name, which may have blanks: state is field 3, user and system time are 14 and 15.
    const fields = readFileSync(`${proc}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / clockTicks;
    return { cpuSeconds, rssMiB: mebibytes('VmRSS'), peakMiB: mebibytes('VmHWM') };
  }

  async metrics(): Promise<string> {
    const asked = request({ socketPath: this.#socket, path: '/metrics' }).end();
    const [answer] = await once(asked, 'response');
    return text(answer);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }
}

/** Rejects, with all that it said, if it ends before it says this. */
async function logged(child: ChildProcess, wanted: string): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes(wanted)) resolve();
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the agent ended with ${code}: ${log}`)));
  });
  child.stderr?.removeAllListeners('data').resume();
}
