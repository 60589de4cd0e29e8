/** Options of an agent under test: of a test network's node, with everything else in a directory of the test. */
import type { AgentOptions } from '../../src/agent/options.ts';
import { podInterfacePrefix } from '../datapath/test-network.ts';
import type { TestNetwork } from '../datapath/test-network.ts';

/** Nothing happens by itself: no resync, no degradation by time. */
export function agentOptions(
  network: Pick<TestNetwork, 'node' | 'bpffs'>,
  directory: string,
  more: Pick<AgentOptions, 'node' | 'engine'> & Partial<AgentOptions>,
): AgentOptions {
  return {
    version: '0.0.0-test',
    startup: 'strict',
    syncPeriodMs: 3_600_000,
    cacheSyncTimeoutMs: 60_000,
    degradedAfterMs: 60_000,
    healthAddress: '127.0.0.1',
    healthPort: 0,
    runDirectory: directory,
    bpffs: network.bpffs,
    netns: network.node,
    cniDirectory: directory,
    cniPluginDirectory: directory,
    installGate: false,
    podInterfaces: podInterfacePrefix,
    events: 'denied',
    tableMemory: 256 << 20,
    publishStatus: true,
    ...more,
  };
}
