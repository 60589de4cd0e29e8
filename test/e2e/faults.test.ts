/** Faults of nodes, in a whole cluster with the DaemonSet as it is installed, while packets go every millisecond. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineName } from '../../src/datapath/engine-choice.ts';
import { besieged, ClusterStand, datagramsIn, lingerSeconds } from '../faults/cluster-stand.ts';
import { recordFigure } from '../faults/figures.ts';
import { gatedReboot, gracefulDeletion, nodeFaults, reboot } from '../faults/node-faults.ts';
import { outcomeOf } from '../faults/outcome.ts';
import type { Probes } from '../faults/probe/probes.ts';
import { whyNoLongRun as why } from './installed-cluster.ts';

const patienceMs = 600_000;

describe.skipIf(why !== undefined)(
  `[root] under probes on nodes${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    let stand: ClusterStand;
    let probes: Probes | undefined;

    beforeAll(async () => {
      stand = await ClusterStand.up();
    }, patienceMs);

    afterAll(async () => {
      await probes?.stop();
      await stand?.down();
    }, patienceMs);

    const engines = ['ebpf', 'nftables'] as const;

    /** How many forbidden packets come to the server while its node begins anew; when this returns all is as before. */
    async function rebooted(fault: string, engine: EngineName): Promise<number> {
      await probes?.stop();
      probes = undefined;
      await stand.isolate();
      const spray = await stand.spray();
      const before = await stand.addressOf('server');
      await stand.node('n1').reboot();
      await stand.nodeReady('n1');
      while ((await stand.addressOf('server')) === before) await sleep(200);
      await stand.kubectl(['wait', 'pod', '--all', '--for=condition=Ready', '--timeout=120s']);
      await stand.rolledOut();
      while (!(await stand.isServed())) await sleep(200);
      const { tallies } = await spray.report();
      await spray.stop();
      const { netns, address } = await stand.end('server');
      // Otherwise nobody has sent there, and nothing is proven.
      expect(tallies[address]?.sent).toBeGreaterThan(0);
      const leaked = datagramsIn(netns);
      recordFigure({ fault, engine, before, address, leaked });
      await stand.reaches(false);
      return leaked;
    }

    describe.each(engines)('with %s', (engine) => {
      test(
        'agents of this engine take over',
        async () => {
          probes ??= await stand.probes();
          const report = await besieged(probes, async () => stand.useEngine(engine));
          expect(outcomeOf(report)).toMatchObject({ leaked: {}, lost: {} });
        },
        patienceMs,
      );

      test.each(nodeFaults)(
        '$name',
        async (fault) => {
          if (!probes) throw new Error('no probes');
          const outcome = outcomeOf(await besieged(probes, async () => fault.run(stand)));
          recordFigure({ fault: fault.name, engine, ...outcome });
          expect(outcome).toMatchObject({ leaked: {}, lost: {} });
        },
        patienceMs,
      );

      test(
        'all pods are deleted: while they end, nothing passes that did not before, and everything that did',
        async () => {
          if (!probes) throw new Error('no probes');
          const report = await besieged(probes, async () => {
            await stand.beginDeletion();
            await sleep((lingerSeconds * 1000) / 2);
          });
          // Otherwise nothing is proven.
          expect(await stand.areEnding()).toBe(true);
          await probes.stop();
          probes = undefined;
          const outcome = outcomeOf(report);
          recordFigure({ fault: gracefulDeletion.name, engine, ...outcome });
          await stand.deleted();
          await stand.createPods();
          expect(outcome).toMatchObject({ leaked: {}, lost: {} });
        },
        patienceMs,
      );

      test(
        'the node of the server is rebooted: nothing passes once the agent is there again',
        async () => {
          await rebooted(reboot.name, engine);
          expect(await stand.isServed()).toBe(true);
        },
        patienceMs,
      );
    });

    describe.each(engines)('with the gate and %s', (engine) => {
      test(
        'the node of the server is rebooted: nothing passes at all',
        async () => {
          await stand.installGate();
          await stand.useEngine(engine);
          expect(await rebooted(gatedReboot.name, engine)).toBe(0);
          expect(await stand.isServed()).toBe(true);
        },
        patienceMs,
      );
    });
  },
);
