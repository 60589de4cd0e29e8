/** Faults while packets go every millisecond: none that is forbidden arrives, none that is permitted is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane/control-plane.ts';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { ApiClient } from '../cluster/api/client.ts';
import { isRoot } from '../datapath/kernel-tables.ts';
import { lightFaults } from './all-faults.ts';
import { recordFigure } from './figures.ts';
import { LightStand } from './light-stand.ts';
import { outcomeOf } from './outcome.ts';
import { createObjects } from './world.ts';

/** On a machine that has much else to do. */
const patienceMs = 300_000;

const reason = reasonToSkip(lightParts);
const isFull = process.env['BULKHEAD_E2E'] === '1';

describe.skipIf(!isRoot || reason !== undefined)(
  `[root] under probes${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let controlPlane: ControlPlane;

    beforeAll(async () => {
      controlPlane = await startControlPlane();
      const api = new ApiClient(controlPlane.kubeconfig);
      await createObjects(api);
      api.close();
    });

    afterAll(async () => {
      await controlPlane?.stop();
    });

    describe.each(['ebpf', 'nftables'] as const)('with %s', (engine) => {
      let stand: LightStand;

      beforeAll(async () => {
        stand = await LightStand.up(controlPlane, engine);
      }, patienceMs);

      afterAll(async () => {
        await stand?.down();
      });

      const faults = lightFaults.filter(
        ({ isSample, engines = [engine] }) => (isFull || isSample) && engines.includes(engine),
      );

      test.each(faults)(
        '$name',
        async (fault) => {
          const { leaked, lost, longestPauseMs } = outcomeOf(
            await stand.besieged(async () => fault.run(stand)),
          );
          recordFigure({ fault: fault.name, engine, leaked, lost, longestPauseMs });
          if (fault.opens === undefined) expect(leaked).toEqual({});
          if (fault.loses === undefined) expect(lost).toEqual({});
          const after = outcomeOf(await stand.besieged(async () => stand.realised()));
          expect(after).toMatchObject({ leaked: {}, lost: {} });
        },
        patienceMs,
      );
    });
  },
);
