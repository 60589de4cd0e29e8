/** The options of every command that asks an API server, under the names that kubectl has for them. */
import { Option } from 'commander';
import type { KubernetesClient } from '../kubernetes/client.ts';

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export const clusterOptions = (): Option[] => [
  new Option('--kubeconfig <file>', 'how to reach the API server (default: as kubectl)'),
  new Option('--context <name>', 'context of the kubeconfig'),
];

/** Has `work` done with a client, which is closed afterwards. @throws BulkheadError KUBERNETES_… */
export async function withCluster<T>(
  { kubeconfig, context }: ClusterOptions,
  work: (client: KubernetesClient) => Promise<T>,
): Promise<T> {
  const [{ findConnection }, { KubernetesClient: Client }] = await Promise.all([
    import('../kubernetes/connect.ts'),
    import('../kubernetes/client.ts'),
  ]);
  const connection = await findConnection({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  const client = new Client(connection);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
