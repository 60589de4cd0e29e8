/**
 * An agent to be killed. Argument: its options and a kubeconfig, as JSON. Logs to its standard error. Ends with its input,
 * at the latest.
 */
import type { AgentOptions } from '../../src/agent/options.ts';
import { runAgent } from '../../src/agent/run.ts';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { findConnection } from '../../src/kubernetes/connect.ts';

const { options, kubeconfig } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly options: AgentOptions;
  readonly kubeconfig: string;
};
process.stdin.resume().on('end', () => process.exit(1));
await runAgent({
  options,
  client: new KubernetesClient(await findConnection({ kubeconfig })),
  log: { level: 'debug', format: 'json', write: (line) => process.stderr.write(line) },
});
process.exit(0);
