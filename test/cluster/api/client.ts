/** The Kubernetes API over a few kept connections: as much of a client as tests need that are not about the client. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';

export interface ApiResponse {
  readonly status: number;
  readonly body: unknown;
}

/** The part of a kubeconfig that is read here. */
interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: readonly {
    readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string };
  }[];
}

const timeoutMs = 60_000;

export class ApiClient {
  readonly #server: string;
  readonly #agent: Agent;

  /** @param connections how many requests are under way at once; more wait for their turn */
  constructor(kubeconfig: string, connections = 8) {
    const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
    if (!cluster || !user) throw new Error(`${kubeconfig} names no cluster, or no user`);
    const inline = (data: string): Buffer => Buffer.from(data, 'base64');
    this.#server = cluster.server;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: connections,
      ca: inline(cluster['certificate-authority-data']),
      cert: inline(user['client-certificate-data']),
      key: inline(user['client-key-data']),
    });
  }

  /** Never rejects for a status code. The body is decoded JSON, or text where it is none. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    type = 'application/json',
  ): Promise<ApiResponse> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      payload === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(payload) };
    return new Promise<ApiResponse>((resolve, reject) => {
      const attempt = request(
        this.#server + path,
        { method, agent: this.#agent, headers, timeout: timeoutMs },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: decode(Buffer.concat(chunks).toString()) }),
          );
        },
      );
      attempt.on('timeout', () => attempt.destroy(new Error(`${method} ${path}: no answer`)));
      attempt.on('error', reject);
      attempt.end(payload);
    });
  }

  /** Rejects for every status code but 2xx, with what the server said. */
  async must(method: string, path: string, body?: unknown, type?: string): Promise<unknown> {
    const response = await this.request(method, path, body, type);
    if (response.status >= 200 && response.status < 300) return response.body;
    throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(response.body)}`);
  }

  /** Whether the server says that it is ready. */
  async isReady(): Promise<boolean> {
    try {
      return (await this.request('GET', '/readyz')).status === 200;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
