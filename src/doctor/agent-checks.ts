/** Whether an agent enforces on this node, and whether pods wait for it. */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { readCniShape } from '../agent/cni.ts';
import { gateProgramPath } from '../agent/gate/gate-program.ts';
import { enforcingEngines } from '../agent/node-datapath.ts';
import type { NodePolicyStatus } from '../agent/node-status.ts';
import { agentPaths } from '../agent/options.ts';
import type { Finding } from './finding.ts';

export interface AgentQuestion {
  readonly runDirectory: string;
  readonly bpffs: string;
  readonly cniDirectory: string;
  readonly cniPluginDirectory: string;
}

export async function checkAgent(question: AgentQuestion): Promise<readonly Finding[]> {
  const { debugSocket } = agentPaths(question);
  const status = await askStatus(debugSocket);
  return [
    ...(status === undefined ? [noAgent(question)] : agentFindings(status)),
    checkGate(question, status !== undefined),
  ];
}

function noAgent(question: AgentQuestion): Finding {
  const check = 'agent';
  const advice = 'Look at its pod: kubectl -n bulkhead-system get pods -o wide; its log says why.';
  const left = whatIsLeft(question);
  if (left === undefined)
    return { check, state: 'unknown', result: 'none answers; only root sees what one has left', advice };
  const result =
    left.length === 0
      ? 'none answers, and nothing is enforced on this node'
      : `none answers; what the last one left goes on enforcing by ${left.join(' and ')}`;
  return { check, state: 'problem', result, advice };
}

function whatIsLeft({ runDirectory, bpffs }: AgentQuestion): readonly string[] | undefined {
  try {
    const { pinDir } = agentPaths({ runDirectory, bpffs });
    return enforcingEngines({ netns: '/proc/self/ns/net', bpffs, pinDir });
  } catch {
    return undefined;
  }
}

function agentFindings(status: NodePolicyStatus): readonly Finding[] {
  const { agentVersion, engine, realisedResourceVersion, policies, localPods, conditions } = status;
  const check = 'agent';
  const isSynced = realisedResourceVersion !== '';
  const failing = conditions.filter((condition) => condition.status === 'False');
  const head: Finding = isSynced
    ? {
        check,
        state: 'ok',
        result: `${agentVersion} enforces by ${engine} (policies: ${policies}, pods: ${localPods})`,
      }
    : {
        check,
        state: 'problem',
        result: `${agentVersion} has not read the cluster yet`,
        advice: 'Its log says what it waits for; see also API server and rights below.',
      };
  return [
    head,
    ...failing.map(({ type, reason, message, lastTransitionTime }): Finding => ({
      check: `agent: ${type.toLowerCase()}`,
      state: 'problem',
      result: `${reason} since ${lastTransitionTime}: ${message}`,
    })),
  ];
}

function checkGate({ cniDirectory, cniPluginDirectory }: AgentQuestion, isAgentThere: boolean): Finding {
  const check = 'gate';
  const isInChain = readCniShape(cniDirectory).gate;
  const isOnDisk = existsSync(gateProgramPath(cniPluginDirectory));
  if (!isInChain)
    return {
      check,
      state: 'ok',
      result: 'not installed: pods start at once, and are closed until they are known (docs/gate.md)',
    };
  if (!isAgentThere)
    return {
      check,
      state: 'problem',
      result: 'installed, and no agent answers it: new pods do not start',
      advice: 'Get the agent to run, or take the gate out: bulkhead agent --uninstall.',
    };
  // In the agent's pod the directory is there only where the agent is told to install the gate.
  if (!isOnDisk && existsSync(cniPluginDirectory))
    return {
      check,
      state: 'problem',
      result: `in the chain, but ${gateProgramPath(cniPluginDirectory)} is missing: no pod starts`,
      advice: 'Run the agent with --install-gate (gate.enabled), or take it out: bulkhead agent --uninstall.',
    };
  return { check, state: 'ok', result: 'installed: pods start once their policies are in the kernel' };
}

/** Undefined: nobody answers, or not us. */
async function askStatus(socketPath: string): Promise<NodePolicyStatus | undefined> {
  return new Promise((resolve) => {
    request({ socketPath, path: '/status', timeout: 5000 }, (response) => {
      text(response).then(
        (body) => resolve(JSON.parse(body) as NodePolicyStatus),
        () => resolve(undefined),
      );
    })
      .on('timeout', function (this: { destroy(): void }) {
        this.destroy();
      })
      .on('error', () => resolve(undefined))
      .end();
  });
}
