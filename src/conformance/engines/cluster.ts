/** A cluster that is there already, with whatever enforces its policies. */
import { randomBytes } from 'node:crypto';
import { KubernetesClient } from '../../kubernetes/client.ts';
import { findConnection } from '../../kubernetes/connect.ts';
import type { Stack } from '../case.ts';
import { ClusterSession } from '../cluster/cluster-session.ts';
import { podStack, usableNodes } from '../cluster/target.ts';
import type { Engine } from '../engine.ts';

export interface ClusterEngineOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly image: string;
  /** Leaves everything where it is. */
  readonly keep: boolean;
}

export interface ClusterEngine {
  readonly engine: Engine;
  /** The address families of the cluster's pods: cases are run on no other. */
  readonly stack: Stack;
  close(): void;
}

/** @throws BulkheadError KUBERNETES_…, CONFORMANCE_NO_NODE */
export async function clusterEngine(options: ClusterEngineOptions): Promise<ClusterEngine> {
  const { image, keep, ...connect } = options;
  const client = new KubernetesClient(await findConnection(connect));
  const [nodes, stack] = await Promise.all([usableNodes(client), podStack(client)]);
  const run = randomBytes(3).toString('hex');
  let sessions = 0;
  const engine: Engine = {
    name: 'cluster',
    summary: 'connections between pods of a cluster, enforced by whatever enforces there',
    callsServices: false,
    open: async ({ families, models }) => {
      sessions += 1;
      const prefix = `conformance-${run}-${sessions}`;
      return new ClusterSession({ client, nodes, models, families, image, run, prefix, keep });
    },
  };
  return { engine, stack, close: () => client.close() };
}
