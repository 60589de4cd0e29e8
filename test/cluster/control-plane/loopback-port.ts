/** Finds ports for servers that cannot choose one by themselves. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the range that the kernel hands out by itself, so that nobody gets the port while its server is restarted. */
const range = [20_000, 32_000] as const;
const attempts = 100;

/** Distinct ports of 127.0.0.1 that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; attempt < attempts && ports.size < count; attempt++) {
    const port = randomInt(...range);
    if (await isFree(port)) ports.add(port);
  }
  if (ports.size < count) throw new Error(`no free port in ${attempts} attempts`);
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
