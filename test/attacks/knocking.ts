/**
 * A process that sends numbered datagrams every millisecond, each from a source port of its own, so that each is a
 * connection of its own. Argument: a JSON list of routes. Ends when its input does, and says how many it sent by each.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { parseAddress } from '../../src/objects/ip.ts';
import { packet, udpDatagram } from './forge.ts';
import { Tap } from './tap.ts';

export interface Route {
  /** What its datagrams say before their number. */
  readonly name: string;
  /** Path of the sender's namespace. */
  readonly netns: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

const routes = (JSON.parse(process.argv[2] ?? '[]') as readonly Route[]).map((route) => {
  const [source, destination] = [parseAddress(route.source), parseAddress(route.destination)];
  if (!source || !destination) throw new Error(`no address: ${route.source}, ${route.destination}`);
  return { ...route, ends: { source, destination }, tap: new Tap(route.netns) };
});

process.stdin.resume();
process.stdout.write('ready\n');
let sent = 0;
const started = performance.now();
while (!process.stdin.readableEnded) {
  // What a busy machine made late is made up for.
  for (; sent < performance.now() - started; sent++) {
    for (const { name, port, ends, tap } of routes) {
      const content = udpDatagram({ sourcePort: 10_000 + (sent % 50_000), port, data: `<${name} ${sent}>` });
      tap.send(packet(ends, content));
    }
  }
  await turn();
}
process.stdout.write(`${sent}\n`);
