/**
 * Sends thousands of real probes at once, from many namespaces, in one process: non-blocking sockets and one epoll.
 * The event loop goes on between polls, so servers of the same process can answer.
 */
import { closeSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { setImmediate as yieldToLoop, setTimeout as sleep } from 'node:timers/promises';
import { Epoll, readable, writable } from '../../kernel/epoll.ts';
import { SystemCallError } from '../../kernel/libc.ts';
import { inNetns } from '../../kernel/netns.ts';
import { raiseOpenFileLimit } from '../../kernel/open-files.ts';
import {
  beginConnect,
  bindSocket,
  openSocket,
  receive,
  reportIcmpErrors,
  resetOnClose,
  send,
  socketError,
} from '../../kernel/socket.ts';
import type { Address } from '../../objects/ip.ts';
import type { Protocol } from '../../objects/model.ts';

export interface Probe {
  /** Path of the namespace that the probe is sent from. */
  readonly netnsPath: string;
  /** One of its addresses; the kernel chooses if absent. */
  readonly source?: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  readonly port: number;
}

/**
 * `open`: connected (TCP, SCTP) or answered (UDP). `refused`: reset or port unreachable. `timeout`: nothing came
 * back. `unreachable`: another ICMP error, or no route. `unsupported`: this kernel lacks the protocol.
 */
export type ProbeOutcome = 'open' | 'refused' | 'timeout' | 'unreachable' | 'unsupported';

export interface ProbeResult {
  readonly outcome: ProbeOutcome;
  /** The first line that the server said, without its end; absent if it said nothing in time. */
  readonly answer?: string;
}

export interface ProbeOptions {
  /** How long to wait for each probe, in milliseconds. UDP sends a second datagram after half of it. */
  readonly timeoutMs: number;
}

/** Results in the order of the probes. Throws SystemCallError where a socket can't be had, e.g. for a foreign source. */
export async function probeAll(
  probes: readonly Probe[],
  options: ProbeOptions,
): Promise<readonly ProbeResult[]> {
  const run = new ProbeRun(probes, options);
  try {
    while (!run.done) {
      if (run.advance()) await yieldToLoop();
      else await sleep(1);
    }
  } finally {
    run.close();
  }
  return run.results;
}

/** Sockets that one step opens: keeps the pauses of the event loop to a few milliseconds. */
const openedPerStep = 200;
/** More at once would only press memory. */
const mostInFlight = 16_384;
/** Descriptors that the rest of the process may need meanwhile. */
const sparedFiles = 200;

/**
 * The shortest DNS query (RFC 1035 §4.1.1: a header, whose opcode no server implements), so that DNS servers answer as
 * quickly as those that take anything. Over a stream it follows its length.
 */
const datagram = Buffer.from('bulkheadping');
const streamMessage = Buffer.from([0, datagram.length, ...datagram]);

interface Attempt {
  readonly index: number;
  readonly fd: number;
  readonly started: number;
  connected: boolean;
  over: boolean;
}

class ProbeRun {
  readonly results: ProbeResult[] = [];
  readonly #probes: readonly Probe[];
  readonly #timeout: number;
  readonly #epoll = new Epoll(1024);
  readonly #buffer = Buffer.alloc(512);
  readonly #room = roomForSockets();
  /** Indexes of probes still to be sent. */
  readonly #waiting: number[];
  /** In the order of their start, so deadlines come in order, too. */
  readonly #attempts: Attempt[] = [];
  #resent = 0;
  #expired = 0;
  #inFlight = 0;

  constructor(probes: readonly Probe[], options: ProbeOptions) {
    this.#probes = probes;
    this.#timeout = options.timeoutMs;
    // Neighbours in the list share a namespace, which is then entered once for many.
    this.#waiting = [...Map.groupBy(probes.keys(), (index) => this.#probe(index).netnsPath).values()]
      .flat()
      .toReversed();
  }

  get done(): boolean {
    return this.#waiting.length === 0 && this.#inFlight === 0;
  }

  /** One step; false if nothing happened. */
  advance(): boolean {
    const opened = this.#open();
    const events = this.#epoll.poll((token) => this.#onEvent(token));
    this.#checkDeadlines(performance.now());
    return opened + events > 0;
  }

  close(): void {
    for (const attempt of this.#attempts) if (!attempt.over) closeSync(attempt.fd);
    this.#epoll.close();
  }

  #open(): number {
    const count = Math.min(this.#waiting.length, openedPerStep, this.#room - this.#inFlight);
    const batch = Array.from({ length: count }, () => this.#waiting.pop() ?? 0);
    for (const [netns, indexes] of Map.groupBy(batch, (index) => this.#probe(index).netnsPath)) {
      inNetns(netns, () => {
        for (const index of indexes) this.#start(index);
      });
    }
    return count;
  }

  #start(index: number): void {
    const { protocol, source, destination, port } = this.#probe(index);
    let fd: number;
    try {
      fd = openSocket(protocol, destination.family);
    } catch (error) {
      if (!(error instanceof SystemCallError && unsupportedErrors.has(error.errno))) throw error;
      this.results[index] = { outcome: 'unsupported' };
      return;
    }
    const token = this.#attempts.length;
    const attempt: Attempt = { index, fd, started: performance.now(), connected: false, over: false };
    this.#attempts.push(attempt);
    this.#inFlight += 1;

    if (protocol === 'UDP') reportIcmpErrors(fd, destination.family);
    else resetOnClose(fd);
    if (source) bindSocket(fd, { address: source, port: 0 });
    let failed = beginConnect(fd, { address: destination, port });
    if (failed === 0 && protocol === 'UDP') {
      attempt.connected = true;
      failed = -Math.min(0, send(fd, datagram));
    }
    if (failed === 0) this.#epoll.add(fd, attempt.connected ? readable : writable, token);
    else this.#finish(attempt, { outcome: outcomeOf(failed) });
  }

  #onEvent(token: number): void {
    const attempt = this.#attempts[token];
    if (!attempt || attempt.over) return;
    if (!attempt.connected) {
      const failed = socketError(attempt.fd) || -Math.min(0, send(attempt.fd, streamMessage));
      if (failed !== 0) return this.#finish(attempt, { outcome: outcomeOf(failed) });
      attempt.connected = true;
      return this.#epoll.change(attempt.fd, readable, token);
    }
    const received = receive(attempt.fd, this.#buffer);
    if (received === -constants.errno.EAGAIN) return;
    if (received > 0) return this.#finish(attempt, { outcome: 'open', answer: this.#firstLine(received) });
    // A connection that was made and then ended without a word was open all the same.
    const isError = received < 0 && this.#isDatagram(attempt);
    this.#finish(attempt, { outcome: isError ? outcomeOf(-received) : 'open' });
  }

  #checkDeadlines(now: number): void {
    for (; this.#startedBefore(this.#resent, now - this.#timeout / 2); this.#resent++) {
      const attempt = this.#attempts[this.#resent];
      if (attempt && !attempt.over && this.#isDatagram(attempt)) this.#sendAgain(attempt);
    }
    for (; this.#startedBefore(this.#expired, now - this.#timeout); this.#expired++) {
      const attempt = this.#attempts[this.#expired];
      if (!attempt || attempt.over) continue;
      const isOpen = attempt.connected && !this.#isDatagram(attempt);
      this.#finish(attempt, { outcome: isOpen ? 'open' : 'timeout' });
    }
  }

  #startedBefore(position: number, time: number): boolean {
    const attempt = this.#attempts[position];
    return attempt !== undefined && attempt.started < time;
  }

  /** Sending reports, and takes away, an error that came for the first datagram. */
  #sendAgain(attempt: Attempt): void {
    const failed = -Math.min(0, send(attempt.fd, datagram));
    if (failed !== 0) this.#finish(attempt, { outcome: outcomeOf(failed) });
  }

  #finish(attempt: Attempt, result: ProbeResult): void {
    attempt.over = true;
    closeSync(attempt.fd);
    this.#inFlight -= 1;
    this.results[attempt.index] = result;
  }

  #firstLine(length: number): string {
    return this.#buffer.toString('utf8', 0, length).split('\n', 1)[0] ?? '';
  }

  #isDatagram({ index }: Attempt): boolean {
    return this.#probe(index).protocol === 'UDP';
  }

  #probe(index: number): Probe {
    const probe = this.#probes[index];
    if (!probe) throw new RangeError(`no probe ${index}`);
    return probe;
  }
}

function roomForSockets(): number {
  const free = raiseOpenFileLimit() - readdirSync('/proc/self/fd').length - sparedFiles;
  return Math.max(1, Math.min(mostInFlight, free));
}

const { errno } = constants;

/** EPROTONOSUPPORT, ESOCKTNOSUPPORT (Node.js does not name it), EAFNOSUPPORT. */
const unsupportedErrors: ReadonlySet<number> = new Set([errno.EPROTONOSUPPORT, 94, errno.EAFNOSUPPORT]);

function outcomeOf(failed: number): ProbeOutcome {
  if (failed === errno.ECONNREFUSED) return 'refused';
  return failed === errno.ETIMEDOUT ? 'timeout' : 'unreachable';
}
