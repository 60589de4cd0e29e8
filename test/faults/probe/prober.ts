/**
 * The process of the probes. Argument: a JSON list of streams. Says `{"ready":true}` once all connections stand, and answers
 * each command with a line: `{}` or a report. Ends with its input.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { onLines } from '../../../src/lab/wire.ts';
import { PacketFlow } from './packet-flow.ts';
import type { ProbeReport, Stream } from './stream.ts';
import { TcpFlow } from './tcp-flow.ts';

/** Behind by more, the process leaves out what was due: a burst proves nothing that one packet does not. */
const catchUpMs = 20;
/** What was sent so long ago has arrived, or will not. */
const graceMs = 100;

// What is probed may take all processors; the probes must not wait for it. Where the kernel shares time out among sessions
// (sched(7)), priority is the session's.
setPriority(-20);
const session = '/proc/self/autogroup';
if (existsSync(session)) writeFileSync(session, '-20');
const streams = JSON.parse(process.argv[2] ?? '[]') as readonly Stream[];
const flows = new Map<string, PacketFlow | TcpFlow>();
for (const [index, stream] of streams.entries()) {
  const single = stream.protocol === 'UDP' || stream.flow === 'new';
  flows.set(stream.name, single ? new PacketFlow(stream, index) : await TcpFlow.open(stream));
}

let longestPauseMs = 0;
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

onLines(process.stdin, (line) => {
  if (line === 'mark') {
    for (const flow of flows.values()) flow.mark();
    longestPauseMs = 0;
    say({});
  } else {
    const until = new Map([...flows].map(([name, flow]) => [name, flow.sent]));
    setTimeout(() => {
      const tallies = [...flows].map(([name, flow]) => [name, flow.tally(until.get(name) ?? 0)] as const);
      say({ tallies: Object.fromEntries(tallies), longestPauseMs } satisfies ProbeReport);
    }, graceMs);
  }
});

say({ ready: true });
const resting = new Int32Array(new SharedArrayBuffer(4));
let due = performance.now();
let last = due;
while (!process.stdin.readableEnded) {
  const now = performance.now();
  if (now - due > catchUpMs) due = now;
  if (now >= due) longestPauseMs = Math.max(longestPauseMs, now - last);
  for (; due <= now; due += 1) {
    for (const flow of flows.values()) flow.send();
    last = now;
  }
  for (const flow of flows.values()) flow.receive();
  // A timer of the event loop counts whole milliseconds, and one more.
  Atomics.wait(resting, 0, 0, Math.max(0, due - performance.now()));
  await turn();
}
await sleep(0);
process.exit(0);
