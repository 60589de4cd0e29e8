/** Everything that can be found out of one node, in the order in which one thing stands on another. */
import type { ConnectOptions } from '../kubernetes/connect.ts';
import { checkAgent } from './agent-checks.ts';
import type { AgentQuestion } from './agent-checks.ts';
import { checkApi } from './api-checks.ts';
import { checkConflicts } from './conflict-checks.ts';
import { diagnosisOf } from './finding.ts';
import type { Diagnosis } from './finding.ts';
import { checkKernel } from './kernel-checks.ts';
import type { KernelQuestion } from './kernel-checks.ts';
import { checkNetwork } from './network-checks.ts';
import { readNodeNetwork } from './node-network.ts';

export interface DoctorOptions extends KernelQuestion, AgentQuestion {
  readonly nodeName: string;
  readonly connect: ConnectOptions;
  readonly podInterfaces: string;
}

/** Changes nothing. */
export async function diagnose(options: DoctorOptions): Promise<Diagnosis> {
  const { nodeName, connect, podInterfaces, cniDirectory } = options;
  const api = await checkApi(nodeName, connect);
  const network = readNodeNetwork();
  return diagnosisOf([
    ...checkKernel(options),
    ...checkNetwork({ podInterfaces, cniDirectory, node: api.node, pods: api.pods }, network),
    ...checkConflicts(network.interfaces),
    ...api.findings,
    ...(await checkAgent(options)),
  ]);
}
