/** What an agent can be told; the command line fills in the defaults. */
import type { EngineWish } from '../datapath/engine-choice.ts';

export const startupModes = ['strict', 'open'] as const;
export type StartupMode = (typeof startupModes)[number];

export const eventModes = ['all', 'denied'] as const;
export type EventMode = (typeof eventModes)[number];

export interface AgentOptions {
  readonly node: string;
  readonly version: string;
  readonly engine: EngineWish;
  /** `strict`: addresses of the node's pod ranges that nobody has (yet) are closed. `open`: they are not. */
  readonly startup: StartupMode;
  /** How often the kernel is compared with what it should hold. */
  readonly syncPeriodMs: number;
  /** After so long without a first full list the agent says that it is degraded; it goes on trying. */
  readonly cacheSyncTimeoutMs: number;
  /** After so long without a watch it does, too. */
  readonly degradedAfterMs: number;
  readonly healthAddress: string | undefined;
  /** 0: any that is free. */
  readonly healthPort: number;
  /** Sockets and the lock. */
  readonly runDirectory: string;
  /** Where the BPF file system is, or is to be mounted. */
  readonly bpffs: string;
  readonly netns: string;
  readonly cniDirectory: string;
  /** Where the container runtime finds CNI plugins. */
  readonly cniPluginDirectory: string;
  /** Hold pods until their policies are in the kernel, by a CNI plugin that the agent keeps in the chain. */
  readonly installGate: boolean;
  /** What the names of pods' interfaces begin with; `auto`: as the CNI configuration says; `none`: unknown. */
  readonly podInterfaces: string;
  readonly events: EventMode;
  /** Bytes of the kernel that tables may take; they grow as they must. */
  readonly tableMemory: number;
  /** Write NodePolicyStatus. */
  readonly publishStatus: boolean;
}

export interface AgentPaths {
  readonly lock: string;
  readonly debugSocket: string;
  readonly gateSocket: string;
  /** Directory of what the gate has let in. */
  readonly claims: string;
  readonly pinDir: string;
}

export function agentPaths({
  runDirectory,
  bpffs,
}: Pick<AgentOptions, 'runDirectory' | 'bpffs'>): AgentPaths {
  return {
    lock: `${runDirectory}/lock`,
    debugSocket: `${runDirectory}/debug.sock`,
    gateSocket: `${runDirectory}/gate.sock`,
    claims: `${runDirectory}/gate`,
    pinDir: `${bpffs}/bulkhead`,
  };
}
