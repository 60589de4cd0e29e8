/**
 * The last plugin of a CNI chain: holds a pod's ADD until its policies are in the kernel, and then gives the result of
 * the plugins before it, unchanged. What it can't make sure of it refuses; the kubelet tries again. It keeps nobody from
 * deleting anything.
 */
import { askAgent } from './ask-agent.ts';
import type { Asked } from './ask-agent.ts';
import {
  CniError,
  codes,
  readConfiguration,
  readContainer,
  readSandbox,
  readVersion,
  versions,
} from './cni.ts';
import type { Environment } from './cni.ts';
import type { GateRequest } from './protocol.ts';

export interface PluginResult {
  readonly exitCode: number;
  readonly stdout: string;
}

/** What an agent misses of deletions, the API server tells it later. */
const patienceOnDeleteMs = 1000;
const patienceOnCheckMs = 3000;

/** `input`: what the runtime writes to the plugin. */
export async function runPlugin(environment: Environment, input: string): Promise<PluginResult> {
  try {
    const output = await perform(environment, input);
    return { exitCode: 0, stdout: output === undefined ? '' : `${JSON.stringify(output)}\n` };
  } catch (error) {
    const [code, msg] = error instanceof CniError ? [error.code, error.message] : [999, String(error)];
    const output = { cniVersion: readVersion(input), code, msg: `bulkhead-gate: ${msg}` };
    return { exitCode: 1, stdout: `${JSON.stringify(output)}\n` };
  }
}

async function perform(environment: Environment, input: string): Promise<unknown> {
  const command = environment['CNI_COMMAND'];
  switch (command) {
    case 'VERSION':
      return { cniVersion: readVersion(input), supportedVersions: versions };
    case 'ADD':
      return add(environment, input);
    case 'CHECK':
      return check(environment, input);
    case 'DEL':
      return tell(input, () => ({ command: 'DEL', container: readContainer(environment) }));
    case 'GC':
      return tell(input, ({ validContainers }) => ({ command: 'GC', containers: validContainers }));
    // Without an agent new pods wait. That is no reason to call the node unfit, which would drive all others away.
    case 'STATUS':
      return undefined;
    default:
      throw new CniError(codes.invalidEnvironment, `CNI_COMMAND is ${JSON.stringify(command ?? '')}`);
  }
}

async function add(environment: Environment, input: string): Promise<unknown> {
  const configuration = readConfiguration(input);
  const { prevResult, socket, timeoutMs } = configuration;
  const sandbox = readSandbox(environment, prevResult);
  if (sandbox) demandOk(await askAgent(socket, { command: 'ADD', sandbox }, timeoutMs), timeoutMs);
  return prevResult;
}

async function check(environment: Environment, input: string): Promise<undefined> {
  const { prevResult, socket } = readConfiguration(input);
  const sandbox = readSandbox(environment, prevResult);
  if (sandbox)
    demandOk(await askAgent(socket, { command: 'CHECK', sandbox }, patienceOnCheckMs), patienceOnCheckMs);
}

function demandOk(asked: Asked, timeoutMs: number): void {
  if (asked.outcome === 'ok') return;
  const after = `after ${timeoutMs / 1000} s`;
  if (asked.outcome === 'away')
    throw new CniError(
      codes.agentAway,
      `no agent of Bulkhead answers on this node ${after} (${asked.message}): a pod starts only once its policies are in the kernel`,
    );
  const when = asked.outcome === 'unanswered' ? ` ${after}` : '';
  throw new CniError(codes.notInKernel, `the pod's policies are not in the kernel${when}: ${asked.message}`);
}

/** Whatever comes of it: what an agent does not hear now it finds out from the API server. */
async function tell(
  input: string,
  request: (configuration: ReturnType<typeof readConfiguration>) => GateRequest,
): Promise<undefined> {
  try {
    const configuration = readConfiguration(input);
    await askAgent(configuration.socket, request(configuration), patienceOnDeleteMs);
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
  }
}
