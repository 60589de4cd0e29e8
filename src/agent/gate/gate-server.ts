/**
 * What the CNI plugin asks: gate.sock, which only root may open. An ADD is answered when the pod's policies and addresses
 * are in the kernel; until then the plugin is told what is waited for, and whether it still waits is its own business.
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { GateAnswer, GateRequest, Sandbox } from '../../gate/protocol.ts';
import { parseAddress } from '../../objects/ip.ts';
import { listen } from '../listen.ts';
import type { Logger } from '../log.ts';
import type { Claim, Claims, PodChanges } from './claims.ts';

export interface GateServerOptions {
  readonly path: string;
  readonly claims: Claims;
  readonly logger: Logger;
  /** The kernel enforces what the API server said once. */
  readonly isReady: () => boolean;
  /** Brings the pods into the kernel; gives why that is not possible now. */
  readonly program: (pods: PodChanges) => string | undefined;
  /** An ADD was answered, after so long. */
  readonly held: (seconds: number) => void;
}

interface Waiting {
  readonly claim: Omit<Claim, 'toldThen'>;
  readonly since: number;
  readonly answer: (answer: GateAnswer) => void;
  told: string | undefined;
}

/** More than any request has. */
const maxRequestLength = 1 << 20;

export class GateServer {
  readonly #options: GateServerOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #connections = new Set<Socket>();
  readonly #server = createServer((connection) => this.#accept(connection));

  constructor(options: GateServerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await listen(this.#server, { path: this.#options.path });
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  /** The cluster is another one, or the kernel has room again: some who wait may be let go. */
  changed(): void {
    for (const waiting of this.#waiting) this.#attempt(waiting);
  }

  #accept(connection: Socket): void {
    let received = '';
    this.#connections.add(connection);
    connection.setEncoding('utf8');
    connection.on('data', (chunk: string) => {
      received += chunk;
      const end = received.indexOf('\n');
      if (end >= 0) this.#answer(connection, received.slice(0, end));
      else if (received.length > maxRequestLength) connection.destroy();
    });
    connection.on('close', () => this.#connections.delete(connection));
    // Whoever goes away waits no longer; `close` follows.
    connection.on('error', () => undefined);
  }

  #answer(connection: Socket, line: string): void {
    const answer = (one: GateAnswer): void => void connection.write(`${JSON.stringify(one)}\n`);
    try {
      const request = JSON.parse(line) as GateRequest;
      if (request.command === 'ADD') this.#hold(request.sandbox, connection, answer);
      else answer(this.#perform(request));
    } catch (error) {
      answer(this.#failed(error));
    }
  }

  #hold(sandbox: Sandbox, connection: Socket, answer: Waiting['answer']): void {
    const waiting: Waiting = { claim: claimOf(sandbox), since: performance.now(), answer, told: undefined };
    this.#waiting.add(waiting);
    connection.on('close', () => this.#waiting.delete(waiting));
    this.#attempt(waiting);
  }

  #attempt(waiting: Waiting): void {
    const { claim, since, answer } = waiting;
    try {
      const obstacle = this.#obstacle(claim);
      if (obstacle !== undefined) {
        if (obstacle !== waiting.told) answer({ waiting: obstacle });
        waiting.told = obstacle;
        return;
      }
      answer({ ok: true });
      this.#options.held((performance.now() - since) / 1000);
    } catch (error) {
      answer(this.#failed(error));
    }
    this.#waiting.delete(waiting);
  }

  /** What the pod must still wait for. */
  #obstacle(claim: Waiting['claim']): string | undefined {
    const { isReady, claims, program } = this.#options;
    if (!isReady()) return 'the agent has not read the cluster yet';
    if (!claims.knows(claim)) return 'the API server has not told the agent of the pod yet';
    return program(claims.claim(claim));
  }

  #perform(request: Exclude<GateRequest, { command: 'ADD' }>): GateAnswer {
    const { claims, program } = this.#options;
    if (request.command === 'CHECK') {
      const isHeld = claims.holds(claimOf(request.sandbox));
      return isHeld ? { ok: true } : { ok: false, message: 'the addresses are not those of the pod' };
    }
    const valid = new Set(request.command === 'GC' ? request.containers : []);
    const isGone = (container: string): boolean =>
      request.command === 'GC' ? !valid.has(container) : container === request.container;
    const released = claims.release(isGone);
    if (released.size > 0) program(released);
    return { ok: true };
  }

  #failed(error: unknown): GateAnswer {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.logger.log('error', message, { socket: this.#options.path });
    return { ok: false, message };
  }
}

/** Throws Error for what can't be addresses. */
function claimOf({ container, namespace, name, uid, addresses }: Sandbox): Waiting['claim'] {
  // It names a file.
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(container)) throw new Error('the sandbox has no proper id');
  const parsed = addresses.map((text) => {
    const address = parseAddress(text);
    if (!address) throw new Error(`${JSON.stringify(text)} is no address`);
    return address;
  });
  return { container, pod: `${namespace}/${name}`, uid, addresses: parsed };
}
