/** What pods labelled `may` may send, and to whom. */
import { podOn } from './installed-cluster.ts';
import type { InstalledCluster } from './installed-cluster.ts';

const type = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };

/** The node of the sender decides. */
const silence = {
  ...type,
  metadata: { name: 'silence' },
  spec: { podSelector: { matchLabels: { may: 'nothing' } }, policyTypes: ['Egress'] },
};

/** The node of the server decides: whoever may do something else may send, but not to it. */
const serverPolicy = {
  ...type,
  metadata: { name: 'server' },
  spec: {
    podSelector: { matchLabels: { app: 'server' } },
    ingress: [{ from: [{ podSelector: { matchLabels: { may: 'everything' } } }] }],
  },
};

/** The server that they may or may not reach, on n1, with both policies in place. Gives its address. */
export async function startServer(installed: InstalledCluster): Promise<string> {
  await installed.apply(silence, serverPolicy, podOn('n1', 'server', { args: ['pause'] }, { app: 'server' }));
  await installed.kubectl(['wait', 'pod/server', '--for=condition=Ready', '--timeout=60s']);
  return installed.kubectl(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
}
