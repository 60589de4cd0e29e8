/** Every attack against every engine, with real packets; and against none, to see that it is an attack. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRoot } from '../datapath/kernel-tables.ts';
import type { Attack } from './attack.ts';
import { campaigns } from './campaigns.ts';
import { engines, nobody } from './engines.ts';
import { Field } from './field.ts';

/** The attack's own expectations hold. */
async function expectDefeat(run: Attack['run'], field: Field): Promise<void> {
  await run(field);
}

describe.skipIf(!isRoot).each(campaigns)('[root] $title', ({ attacks }) => {
  describe.each([...engines, nobody])('against $name', (engine) => {
    let field: Field;
    beforeAll(async () => {
      field = await Field.up(engine);
    }, 60_000);
    afterAll(async () => {
      await field.down();
    }, 60_000);

    if (engine === nobody) {
      test.each(attacks.filter(({ harmless }) => !harmless))('succeeds: $name', async ({ run }) => {
        await expect(async () => run(field)).rejects.toMatchObject({ name: 'AssertionError' });
      });
    } else {
      test.each(attacks)('$name', async ({ run }) => {
        await expectDefeat(run, field);
      });
    }
  });
});
