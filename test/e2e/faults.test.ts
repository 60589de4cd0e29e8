/** Faults of nodes, in a whole cluster with the DaemonSet as it is installed, while packets go every millisecond. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { besieged, ClusterStand, datagramsIn } from '../faults/cluster-stand.ts';
import { recordFigure } from '../faults/figures.ts';
import { nodeFaults, reboot } from '../faults/node-faults.ts';
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

    describe.each(['ebpf', 'nftables'] as const)('with %s', (engine) => {
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

      test.each([reboot])(
        '$name',
        async ({ name }) => {
          await probes?.stop();
          probes = undefined;
          const spray = await stand.spray();
          const before = await stand.addressOf('server');
          await stand.node('n1').reboot();
          await stand.nodeReady('n1');
          while ((await stand.addressOf('server')) === before) await sleep(200);
          await stand.kubectl(['wait', 'pod', '--all', '--for=condition=Ready', '--timeout=120s']);
          await stand.rolledOut();
          while (!(await stand.isServed())) await sleep(200);
          await spray.stop();
          const { netns, address } = await stand.end('server');
          recordFigure({ fault: name, engine, before, address, leaked: datagramsIn(netns) });
          await stand.reaches(false);
          expect(await stand.isServed()).toBe(true);
        },
        patienceMs,
      );
    });
  },
);
