/** All faults. */
import { agentFaults } from './agent-faults.ts';
import { apiFaults } from './api-faults.ts';
import { driftFaults } from './drift-faults.ts';
import type { Fault, FaultRow } from './fault.ts';
import type { LightStand } from './light-stand.ts';
import { gatedReboot, gracefulDeletion, nodeFaults, reboot } from './node-faults.ts';
import { policyFaults } from './policy-faults.ts';

export const lightFaults: readonly Fault<LightStand>[] = [
  ...agentFaults,
  ...apiFaults,
  ...driftFaults,
  ...policyFaults,
];

/** Of docs/faults.md, by name. */
export const faultTables: Readonly<Record<string, readonly FaultRow[]>> = {
  agent: agentFaults,
  api: apiFaults,
  drift: driftFaults,
  policies: policyFaults,
  nodes: [...nodeFaults, gracefulDeletion, reboot, gatedReboot],
};
