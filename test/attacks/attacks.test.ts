/** Every attack against every engine, with real packets; and against none, to see that it is an attack. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRoot } from '../datapath/kernel-tables.ts';
import type { Attack } from './attack.ts';
import { campaigns } from './campaigns.ts';
import { engines, nobody } from './engines.ts';
import type { Engine } from './engines.ts';
import { Field } from './field.ts';

/** A field that lives as long as the tests of the group that this is called in. */
function fieldFor(engine: Engine): () => Field {
  let field: Field | undefined;
  beforeAll(async () => {
    field = await Field.up(engine);
  }, 60_000);
  afterAll(async () => {
    await field?.down();
  }, 60_000);
  return () => {
    if (!field) throw new Error('there is no field');
    return field;
  };
}

/** The attack's own expectations hold. */
async function expectDefeat({ run }: Attack, field: Field, engine: Engine): Promise<void> {
  await run(field, engine);
}

describe.skipIf(!isRoot).each(campaigns)('[root] $title', ({ attacks, bringsAgents }) => {
  describe.each(engines)('stopped by $name', (engine) => {
    const field = fieldFor(bringsAgents ? nobody : engine);
    test.each(attacks)('$name', async (attack) => {
      await expectDefeat(attack, field(), engine);
    });
  });

  describe('succeeding where nobody enforces', () => {
    const field = fieldFor(nobody);
    test.each(attacks.filter(({ harmless }) => !harmless))('$name', async ({ run }) => {
      await expect(async () => run(field(), nobody)).rejects.toMatchObject({ name: 'AssertionError' });
    });
  });
});
