/** The agent as a process: from its start until it is told to end. */
import { closeSync, rmSync } from 'node:fs';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { Agent } from './agent.ts';
import { ownHeap } from './heap.ts';
import { createLogger } from './log.ts';
import type { LoggerOptions } from './log.ts';
import { detachEngines } from './node-datapath.ts';
import { lockNode } from './node-lock.ts';
import { removeGate } from './gate/gate-keeper.ts';
import { agentPaths } from './options.ts';
import type { AgentOptions } from './options.ts';
import { requireCapabilities } from './required-capabilities.ts';
import { prepareRunDirectory } from './run-directory.ts';

/** Resolves after SIGTERM or SIGINT; the kernel then goes on enforcing. Must run as root. */
export async function runAgent(given: {
  readonly options: AgentOptions;
  readonly client: KubernetesClient;
  readonly log: LoggerOptions;
}): Promise<void> {
  const { options, client, log } = given;
  requireCapabilities(options.engine);
  prepareRunDirectory(options.runDirectory);
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const agent = new Agent(options, client, createLogger(log), ownHeap);
  try {
    await agent.start();
    await told;
  } finally {
    // One that could not start must not stay: it would hold the lock, and follow nothing.
    await agent.stop();
  }
}

/** Takes enforcement out of the node's kernel, whoever put it there. Throws BulkheadError while an agent runs. */
export function uninstallAgent(
  place: Pick<AgentOptions, 'runDirectory' | 'bpffs' | 'netns' | 'cniDirectory' | 'cniPluginDirectory'>,
): void {
  requireCapabilities('auto');
  const { lock, pinDir, claims, gateSocket } = agentPaths(place);
  prepareRunDirectory(place.runDirectory);
  const held = lockNode(lock);
  try {
    // First of all: from here on no pod waits for an agent.
    removeGate(place);
    for (const path of [claims, gateSocket]) rmSync(path, { recursive: true, force: true });
    detachEngines({ ...place, pinDir });
  } finally {
    closeSync(held);
  }
}
