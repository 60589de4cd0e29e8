/** All faults. */
import { agentFaults } from './agent-faults.ts';
import { apiFaults } from './api-faults.ts';
import { driftFaults } from './drift-faults.ts';
import type { Fault } from './fault.ts';
import type { LightStand } from './light-stand.ts';

export const lightFaults: readonly Fault<LightStand>[] = [...agentFaults, ...apiFaults, ...driftFaults];
