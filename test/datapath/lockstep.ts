/**
 * Datagrams that go one by one, each answered before the next, until the input ends; then says how many were sent and how
 * many did not come, or whose answers did not. Arguments: netns and address of the sender, those of the receiver, port.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { beginConnect, receive, send, udpSocket } from '../../src/kernel/socket.ts';
import { address } from './guard-world.ts';

/** In milliseconds. Between namespaces it takes microseconds, unless something else has the processor. */
const patience = 100;

const [netns = '', source = '', peerNetns = '', destination = '', port = ''] = process.argv.slice(2);

function end(path: string, own: string, peer: string): number {
  const fd = udpSocket(path, address(own), Number(port));
  beginConnect(fd, { address: address(peer), port: Number(port) });
  return fd;
}

const [near, far] = [end(netns, source, destination), end(peerNetns, destination, source)];
const buffer = Buffer.alloc(64);

function passes(from: number, to: number): boolean {
  send(from, Buffer.from('x'));
  const limit = performance.now() + patience;
  while (performance.now() < limit) if (receive(to, buffer) > 0) return true;
  return false;
}

const tally = { sent: 0, lost: 0, unanswered: 0 };
process.stdin.resume();
process.stdout.write('ready\n');
while (!process.stdin.readableEnded) {
  for (let round = 0; round < 100; round++) {
    tally.sent += 1;
    if (!passes(near, far)) tally.lost += 1;
    else if (!passes(far, near)) tally.unanswered += 1;
  }
  await turn();
}
process.stdout.write(`${JSON.stringify(tally)}\n`);
process.exit(0);
