/** Servers for tests: each says who it is and whom it sees, then hangs up. */
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { tcpListener, udpSocket } from '../../../src/kernel/socket.ts';
import { netnsPath } from '../../../src/lab/network/names.ts';
import type { Address } from '../../../src/objects/ip.ts';

export interface Announcement {
  readonly netns: string;
  readonly name: string;
  readonly port: number;
  /** Needed for UDP where the answer must leave from this one of several addresses. */
  readonly address?: Address;
}

/** The line is `name sees client`. Returns how to stop. */
export function announce({ netns, name, port, address }: Announcement): () => void {
  const line = (client: string | undefined): string => `${name} sees ${client?.replace(/^::ffff:/, '')}\n`;
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.end(line(socket.remoteAddress));
  });
  tcp.listen({ fd: tcpListener(netnsPath(netns), undefined, port) });
  const udp = createSocket(address?.family === 4 ? 'udp4' : 'udp6');
  udp.on('message', (_message, from) =>
    udp.send(line(from.address), from.port, from.address, () => undefined),
  );
  udp.bind({ fd: udpSocket(netnsPath(netns), address, port) });
  return () => {
    for (const socket of sockets) socket.destroy();
    tcp.close();
    udp.close();
  };
}
