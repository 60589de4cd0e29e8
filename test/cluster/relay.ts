/** TCP connections, passed on. */
import { connect, createServer } from 'node:net';
import type { NetConnectOpts, Server } from 'node:net';

/** Whoever connects to it talks to `target`, which is connected to from where this thread then is. */
export function relay(target: NetConnectOpts): Server {
  return createServer((client) => {
    const upstream = connect(target);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
}
