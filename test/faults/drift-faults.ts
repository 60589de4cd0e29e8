/** Somebody takes away on the node what enforcement hangs on. */
import { spawnSync } from 'node:child_process';
import { closeSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pinnedGenerations } from '../../src/datapath/ebpf/generations.ts';
import { detachLink } from '../../src/kernel/bpf.ts';
import { libbpf } from '../../src/kernel/libbpf.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import type { Fault } from './fault.ts';
import type { LightStand } from './light-stand.ts';

function newestPins({ network }: LightStand): string {
  const pins = `${network.bpffs}/bulkhead`;
  return join(pins, String(pinnedGenerations(pins).at(-1)));
}

/** Until the agent has put in force anew what `action` took away. */
async function untilMended({ agent }: LightStand, action: () => void): Promise<void> {
  const drifts = async (): Promise<number> => {
    const { body } = await agent.get('/debug/metrics');
    const counts = [...body.matchAll(/^bulkhead_drift_total\{.*\} (\d+)$/gm)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const before = await drifts();
  action();
  const mended = async (): Promise<boolean> =>
    (await drifts()) > before && (await agent.get('/healthz')).status === 200;
  while (!(await mended())) {
    agent.requireRunning();
    await sleep(10);
  }
}

const flush = (stand: LightStand) => () => {
  const { status } = inNetns(stand.network.node, () => spawnSync('nft', ['flush', 'ruleset']));
  if (status !== 0) throw new Error('nft can not flush the ruleset');
};

export const driftFaults: readonly Fault<LightStand>[] = [
  {
    isSample: true,
    name: 'the ruleset of the node is flushed (nft flush ruleset), as restarting nftables.service does',
    outcome: 'seen within 25 ms; the table is made anew from what the agent knows',
    engines: ['nftables'],
    opens: 'until the table is there again',
    loses: 'some, for the few milliseconds in which the kernel carries out the flush',
    run: async (stand) => untilMended(stand, flush(stand)),
  },
  {
    name: 'the ruleset of the node is flushed (nft flush ruleset), where programs enforce',
    outcome: 'programs stay in their hooks; conntrack, which a rule keeps alive, is switched on again',
    engines: ['ebpf'],
    loses: 'answers, which are known as such by conntrack alone, until it is switched on again',
    run: async (stand) => untilMended(stand, flush(stand)),
  },
  {
    name: 'a program is taken out of its hook (bpftool link detach)',
    outcome: 'seen within 25 ms; all programs are loaded anew and put in their hooks beside the others',
    engines: ['ebpf'],
    opens: 'what that hook and family judge, until the new programs are in their hooks',
    run: async (stand) =>
      untilMended(stand, () => {
        const link = libbpf().get(join(newestPins(stand), 'link_forward4'));
        detachLink(link);
        closeSync(link);
      }),
  },
  {
    name: 'the pins of the programs are deleted (rm -r /sys/fs/bpf/bulkhead)',
    outcome: 'the agent holds the programs in their hooks, and pins new ones',
    engines: ['ebpf'],
    run: async (stand) =>
      untilMended(stand, () => {
        const pins = newestPins(stand);
        for (const name of readdirSync(pins)) rmSync(join(pins, name));
        rmSync(pins, { recursive: true });
      }),
  },
];
