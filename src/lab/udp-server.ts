/** What a pod's UDP port says: each datagram is answered with one line that names the pod. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';

/**
 * Whether a datagram is what such servers say. It is not answered: one that seems to come from the port of another
 * server would keep the two talking for ever (CVE-2024-2169).
 */
export function isAnswer(message: Uint8Array): boolean {
  return /^\S+ UDP \d+\n$/.test(Buffer.from(message).toString('latin1'));
}

/**
 * @param fd a bound UDP socket in whatever network namespace; the server owns it from now on
 * @param family the address family of the socket itself: 6 also for a dual-stack one
 */
export function serveUdp({ fd, family, line }: { fd: number; family: 4 | 6; line: string }): Socket {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  const answer = Buffer.from(`${line}\n`);
  socket.on('message', (message, from) => {
    if (isAnswer(message)) return;
    // A reply that can't be sent is a reply that does not arrive: what the prober sees then is the truth.
    socket.send(answer, from.port, from.address, () => undefined);
  });
  socket.on('error', (error) => console.error(`server of ${line}: ${error.message}`));
  socket.bind({ fd });
  return socket;
}
