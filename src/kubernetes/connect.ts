/** Finds the cluster that is meant, in the order of kubectl and client-go. */
import { BulkheadError, failure } from '../errors.ts';
import type { Connection } from './connection.ts';
import { inClusterConnection } from './in-cluster.ts';
import { kubeconfigConnection } from './kubeconfig.ts';
import { invalidConfig, readKubeconfigFiles } from './kubeconfig-files.ts';

export interface ConnectOptions {
  /** A kubeconfig file; otherwise those of `KUBECONFIG`, otherwise `~/.kube/config`, otherwise the pod's service account. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Where a pod finds its service account. */
  readonly serviceAccountDirectory?: string;
}

/** @throws BulkheadError KUBERNETES_CONFIG_MISSING, KUBERNETES_CONFIG_INVALID, KUBERNETES_CREDENTIALS */
export async function findConnection(options: ConnectOptions = {}): Promise<Connection> {
  const { kubeconfig, context, environment = process.env, serviceAccountDirectory } = options;
  const files = readKubeconfigFiles({
    environment,
    ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
  });
  if (files) return kubeconfigConnection(files, context);
  if (context !== undefined) {
    throw invalidConfig(
      `there is no kubeconfig in which to look for context ${context}`,
      'Name the file with --kubeconfig, or set KUBECONFIG.',
    );
  }
  const directory = serviceAccountDirectory === undefined ? {} : { directory: serviceAccountDirectory };
  const connection = await inClusterConnection({ environment, ...directory });
  if (connection) return connection;
  throw new BulkheadError(
    failure('KUBERNETES_CONFIG_MISSING', 'nothing says which cluster is meant', {
      hint: 'Name a kubeconfig with --kubeconfig or in KUBECONFIG, or put it in ~/.kube/config; in a pod the service account says it.',
    }),
  );
}
