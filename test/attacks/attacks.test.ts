/** Every attack against every engine, with real packets. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { isRoot } from '../datapath/kernel-tables.ts';
import type { Attack } from './attack.ts';
import { campaigns } from './campaigns.ts';
import { engines } from './engines.ts';
import { Field } from './field.ts';

/** The attack's own expectations hold. */
async function expectDefeat(run: Attack['run'], field: Field): Promise<void> {
  await run(field);
}

for (const engine of engines) {
  describe.skipIf(!isRoot).each(campaigns)(`[root] ${engine.name}: $title`, ({ attacks }) => {
    let field: Field;
    beforeAll(async () => {
      field = await Field.up(engine);
    }, 60_000);
    afterAll(async () => {
      await field.down();
    }, 60_000);

    test.each(attacks)('$name', async ({ run }) => {
      await expectDefeat(run, field);
    });
  });
}
