/** etcd, where the API server keeps its objects. */
import { request } from 'node:http';
import { join } from 'node:path';

export interface EtcdPlan {
  readonly binary: string;
  readonly dataDirectory: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

/** Only on loopback, and without TLS: what it holds is made up for tests. */
export function etcdCommand(plan: EtcdPlan): [string, ...string[]] {
  const peer = `http://127.0.0.1:${plan.peerPort}`;
  return [
    plan.binary,
    '--name=test',
    `--data-dir=${join(plan.dataDirectory, 'etcd')}`,
    `--listen-client-urls=${etcdUrl(plan)}`,
    `--advertise-client-urls=${etcdUrl(plan)}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    // What a power failure would lose nobody wants back.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export function etcdUrl({ clientPort }: Pick<EtcdPlan, 'clientPort'>): string {
  return `http://127.0.0.1:${clientPort}`;
}

export async function isEtcdReady(url: string): Promise<boolean> {
  return new Promise<boolean>((resolve) => {
    const attempt = request(`${url}/health`, { timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    attempt.on('timeout', () => attempt.destroy());
    attempt.on('error', () => resolve(false));
    attempt.end();
  });
}
