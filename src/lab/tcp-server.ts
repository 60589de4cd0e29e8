/**
 * What a pod's TCP port says. Each message that arrives is answered with one line that names the pod, so that a probe
 * knows whom it reached and a live connection can be watched; an HTTP request gets an HTTP response, so that curl
 * works; and who only listens (nc) gets the line after a moment.
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';

/** How long to wait for a client that speaks first. Milliseconds. */
const silence = 200;

/** A timer that is later than that tells of a process that had no time to hear the client. Milliseconds. */
const late = 50;

/** Many probe a port at once, and the daemon may be busy with a change meanwhile. */
const backlog = 4096;

const httpRequest = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S+ HTTP\/1\.[01]\r?\n/;

/**
 * @param fd a listening TCP socket in whatever network namespace; the server owns it from now on
 * @returns what ends the server and its connections
 */
export function serveTcp(fd: number, line: string): { close(): void } {
  const connections = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    converse(socket, line);
  });
  server.on('error', (error) => console.error(`server of ${line}: ${error.message}`));
  server.listen({ fd, backlog });
  return {
    close: () => {
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

function converse(socket: Socket, line: string): void {
  const quiet = afterSilence(() => socket.write(`${line}\n`));
  socket.on('data', (data) => {
    quiet.end();
    const method = httpRequest.exec(data.toString('latin1'))?.[0].split(' ')[0];
    if (method === undefined) socket.write(`${line}\n`);
    else socket.end(httpResponse({ line, client: socket.remoteAddress ?? '', withBody: method !== 'HEAD' }));
  });
  // A peer that is cut off by a policy resets or times out; there is nobody to tell.
  socket.on('error', () => undefined);
  socket.on('close', () => quiet.end());
}

function afterSilence(greet: () => void): { end(): void } {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const due = performance.now() + silence;
    timer = setTimeout(() => (performance.now() > due + late ? wait() : greet()), silence);
  };
  wait();
  return { end: () => clearTimeout(timer) };
}

function httpResponse({
  line,
  client,
  withBody,
}: {
  line: string;
  client: string;
  withBody: boolean;
}): string {
  const body = `${line}, you are ${client.replace(/^::ffff:/, '')}\n`;
  const head = [
    'HTTP/1.1 200 OK',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${withBody ? body : ''}`;
}
