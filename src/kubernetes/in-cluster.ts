/** The connection of a pod: the service account that is mounted into it. */
import { BulkheadError, failure } from '../errors.ts';
import type { Connection, Identity } from './connection.ts';
import { readCredentialFile } from './read-file.ts';

export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface InClusterOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly directory?: string;
}

/** Undefined outside of a pod. */
export async function inClusterConnection(options: InClusterOptions = {}): Promise<Connection | undefined> {
  const { environment = process.env, directory = serviceAccountDirectory } = options;
  const [host, port] = [environment['KUBERNETES_SERVICE_HOST'], environment['KUBERNETES_SERVICE_PORT']];
  if (!host || !port) return undefined;
  const server = serverUrl(host, port);
  const readToken = (): Promise<string> =>
    readCredentialFile(`${directory}/token`, "the service account's token");
  // Fails now rather than at the first request: a pod without a token will not get one.
  await readToken();
  const podNamespace = await readCredentialFile(`${directory}/namespace`, "the pod's namespace").catch(
    () => undefined,
  );
  return {
    server,
    namespace: podNamespace ?? 'default',
    ...(podNamespace === undefined ? {} : { podNamespace }),
    origin: "the pod's service account",
    trust: async () => ({
      ca: await readCredentialFile(`${directory}/ca.crt`, "the API server's authority"),
      verify: true,
    }),
    credentials: {
      // The kubelet replaces the token long before it expires.
      identity: async (): Promise<Identity> => ({
        headers: { authorization: `Bearer ${await readToken()}` },
      }),
      refused: () => undefined,
    },
  };
}

function serverUrl(host: string, port: string): URL {
  const text = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (URL.canParse(text)) return new URL(text);
  throw new BulkheadError(
    failure('KUBERNETES_CONFIG_INVALID', `KUBERNETES_SERVICE_HOST and _PORT make no address: ${text}`, {
      hint: 'Kubernetes sets both in every pod; leave them as they are.',
    }),
  );
}
