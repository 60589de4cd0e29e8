/**
 * The background process of one lab. It owns everything that lives as long as the lab: the objects, the policies in
 * the kernel, the pods' servers, names, flow events. Killed, it leaves the kernel enforcing what it had.
 */
import { BulkheadError, failure } from '../errors.ts';
import { tryLock } from '../kernel/file-lock.ts';
import { openNodeDatapath } from './datapaths.ts';
import { streamFlows } from './flow-stream.ts';
import { Lab } from './lab.ts';
import { destroyLab } from './network/destroy.ts';
import { makeLabDirectory } from './paths.ts';
import type { Operation, Request, Results } from './protocol.ts';
import { serveRequests } from './request-server.ts';
import type { Reply, RequestServer } from './request-server.ts';
import { Turns } from './turns.ts';

/**
 * Serves the lab until it is taken down. Throws BulkheadError LAB_ALREADY_UP if another daemon has the name.
 * SIGTERM and SIGINT take the lab down.
 */
export async function runDaemon(name: string): Promise<void> {
  const paths = makeLabDirectory(name);
  if (tryLock(paths.lock) === undefined) throw alreadyUp(name);
  const daemon = new Daemon(name);
  await daemon.listen(paths.socket);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      console.error(`${signal}: taking the lab down`);
      daemon.down().catch((error: unknown) => console.error(error));
    });
  }
  await daemon.ended;
}

/** How long a daemon waits for its lab. */
const patienceMs = 10_000;

class Daemon {
  readonly #name: string;
  /** One change at a time; reading is always possible. */
  readonly #turns = new Turns();
  readonly #end = Promise.withResolvers<void>();
  #server: RequestServer | undefined;
  #lab: Lab | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get ended(): Promise<void> {
    return this.#end.promise;
  }

  async listen(socket: string): Promise<void> {
    this.#server = await serveRequests(socket, (request, reply) => this.#handle(request, reply));
    setTimeout(() => void this.#turns.take(() => this.#endIfUnused()), patienceMs).unref();
  }

  /** The command that started us was killed before it said what for. */
  async #endIfUnused(): Promise<void> {
    if (!this.#lab) await this.#removeEverything(undefined);
  }

  async down(progress: (text: string) => void = () => undefined): Promise<Results['down']> {
    return this.#turns.take(async () => {
      const pods = this.#lab?.cluster.pods.size ?? 0;
      progress(`removing ${pods} pods`);
      await this.#removeEverything(this.#lab);
      return { pods };
    });
  }

  async #removeEverything(lab: Lab | undefined): Promise<void> {
    lab?.close();
    this.#lab = undefined;
    await destroyLab(this.#name);
    // No new request is taken; the answer to the one that asked for this still goes out.
    void this.#server?.close().then(() => this.#end.resolve());
  }

  async #handle(request: Request, reply: Reply): Promise<Results[Operation]> {
    const started = performance.now();
    switch (request.op) {
      case 'up':
        return this.#turns.take(() => this.#up(request, reply));
      case 'apply':
        return this.#turns.take(() => this.#running().apply(request.objects, started));
      case 'delete':
        return this.#turns.take(() => this.#running().delete(request.keys, started));
      case 'label':
        return this.#turns.take(() => this.#running().label(request, started));
      case 'scale':
        return this.#turns.take(() => this.#running().scale(request, started));
      case 'flows':
        return streamFlows(this.#running().flows, request, reply);
      case 'status':
        return this.#running().status();
      case 'snapshot':
        return this.#running().snapshot();
      case 'down':
        return this.down((text) => reply.progress(text));
    }
  }

  /** What fails half-way is taken away again, and the daemon ends. */
  async #up(request: Extract<Request, { op: 'up' }>, reply: Reply): Promise<Results['up']> {
    if (this.#lab) throw alreadyUp(this.#name);
    const { objects, families, nodes, engine } = request;
    const progress = (text: string) => reply.progress(text);
    const lab = new Lab({
      name: this.#name,
      families,
      nodes,
      openDatapath: (name, node) => openNodeDatapath(name, node, engine),
    });
    try {
      const result = await lab.up(objects, progress);
      if (reply.signal.aborted) throw new Error('the command that started the lab has gone');
      this.#lab = lab;
      return result;
    } catch (error) {
      await this.#removeEverything(lab);
      throw error;
    }
  }

  #running(): Lab {
    if (this.#lab) return this.#lab;
    throw new BulkheadError(
      failure('LAB_NOT_READY', `lab "${this.#name}" is not up yet`, {
        hint: 'Wait for `bulkhead lab up` to finish.',
      }),
    );
  }
}

function alreadyUp(name: string): BulkheadError {
  return new BulkheadError(
    failure('LAB_ALREADY_UP', `lab "${name}" is up already`, {
      hint: 'Change it with `bulkhead lab apply -f …`, take it down with `bulkhead lab down`, or use another --name.',
    }),
  );
}
