/** Successor after successor under traffic, one datagram after another: what all of them allow arrives, and is answered. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Delta } from '../../src/compiler/tables.ts';
import type { Datapath } from '../../src/datapath/datapath.ts';
import { world, worldDelta } from './guard-world.ts';
import { isRoot } from './kernel-tables.ts';
import { renumbered } from './renumbered.ts';
import { engineNames, openEngine } from './test-engines.ts';
import { TestNetwork } from './test-network.ts';

const lockstep = join(import.meta.dirname, 'lockstep.ts');
const allowedPort = 53;
/** Loading programs takes the kernel 100 to 200 ms. */
const successors = { ebpf: 6, nftables: 30 } as const;
/** Of three, the first two go over to other ids and back: nothing can be adopted. */
const deltas: readonly Delta[] = [worldDelta, renumbered(worldDelta), renumbered(worldDelta)];

describe.skipIf(!isRoot).each(engineNames)('[root] successors, %s', (engine) => {
  let network: TestNetwork;
  let inForce: Datapath;

  beforeEach(() => {
    network = new TestNetwork();
    inForce = openEngine(engine, network);
    inForce.apply(worldDelta);
  });
  afterEach(() => {
    inForce.detach();
    network.remove();
  });

  test('lose nothing, whether they adopt what is there or make it anew', async () => {
    const ends = (['client', 'server'] as const).flatMap((pod) => [network.pod(pod), world[4][pod].text]);
    const args = ['--disable-warning=ExperimentalWarning', lockstep, ...ends, String(allowedPort)];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      for (let successor = 1; successor <= successors[engine]; successor++) {
        const next = openEngine(engine, network);
        next.apply(deltas[successor % deltas.length] ?? worldDelta);
        inForce.close();
        inForce = next;
        await sleep(5);
      }
      child.stdin.end();
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      expect(JSON.parse(line.toString())).toEqual({ sent: expect.any(Number), lost: 0, unanswered: 0 });
    } finally {
      child.kill('SIGKILL');
    }
  });
});
