/** Asks the agent in a pod what it would answer on its node's debug socket: by a process beside it that asks for us. */
import { BulkheadError, failure } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { execInPod } from '../kubernetes/exec.ts';
import { LineSplitter } from '../kubernetes/line-splitter.ts';
import { containerName, type AgentPod } from './agent-pods.ts';

export interface DebugRead {
  /** Path and query of the agent's debug socket. */
  readonly request: string;
  readonly line: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Resolves when the answer ends. @throws BulkheadError KUBERNETES_…, AGENT_NOT_READABLE, or what `signal` says */
export async function readDebug(
  client: KubernetesClient,
  { namespace, name, program, runDirectory }: AgentPod,
  { request, line, signal }: DebugRead,
): Promise<void> {
  const splitter = new LineSplitter();
  let said = '';
  const code = await execInPod(client, {
    namespace,
    pod: name,
    container: containerName,
    command: [...program, 'debug', request, `--run-dir=${runDirectory}`, '--until-eof'],
    openStdin: true,
    stdout: (chunk) => {
      for (const one of splitter.push(chunk)) line(one);
    },
    stderr: (chunk) => {
      // Enough to say what is wrong.
      if (said.length < 2000) said += chunk.toString('utf8');
    },
    signal,
  });
  if (code === 0) return;
  throw new BulkheadError(
    failure(
      'AGENT_NOT_READABLE',
      `${namespace}/${name}: ${said.trim().split('\n')[0] || `exit code ${code}`}`,
      {
        hint: "See the agent's log: kubectl logs. An agent of another version may not know the question.",
      },
    ),
  );
}
