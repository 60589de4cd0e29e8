/** How a run is made of sessions. */
import { expect, test } from 'vitest';
import { readCorpus } from '../../src/conformance/corpus.ts';
import { Unsuitable, type Engine } from '../../src/conformance/engine.ts';
import { reference } from '../../src/conformance/engines/reference.ts';
import { runCorpus } from '../../src/conformance/run.ts';

const { models, cases } = readCorpus();
const corpus = { models, cases: cases.filter(({ family }) => family === 'e2e' || family === 'api') };
const options = { corpus, stacks: ['ipv4'], via: 'pod-ip' } as const;

test('several sessions do the same as one, and the results stay in order', async () => {
  let open = 0;
  let most = 0;
  const counted: Engine = {
    ...reference,
    open: async (given) => {
      const session = await reference.open(given);
      most = Math.max(most, ++open);
      return { ...session, close: async () => void (open -= 1) };
    },
  };
  const strip = (results: Awaited<ReturnType<typeof runCorpus>>) => results.map((one) => ({ ...one, ms: 0 }));
  const alone = strip(await runCorpus({ ...options, engine: reference }));
  const together = strip(await runCorpus({ ...options, engine: counted, parallel: 3 }));
  expect(together).toEqual(alone);
  expect({ open, most }).toEqual({ open: 0, most: 3 });
});

test('an error of one session ends the run, after all sessions are closed', async () => {
  let open = 0;
  let begun = 0;
  const failing: Engine = {
    ...reference,
    open: async (given) => {
      const session = await reference.open(given);
      open += 1;
      return {
        ...session,
        apply: async (state) => {
          begun += 1;
          if (begun === 4) throw new Error('the machine is on fire');
          await session.apply(state);
        },
        close: async () => void (open -= 1),
      };
    },
  };
  await expect(runCorpus({ ...options, engine: failing, parallel: 3 })).rejects.toThrow('on fire');
  expect(open).toBe(0);
  expect(begun).toBeLessThan(10);
});

test('a case that an engine can’t be given is skipped with its reason, and counts as nothing else', async () => {
  const picky: Engine = {
    ...reference,
    open: async (given) => ({
      ...(await reference.open(given)),
      prepare: async ({ id }) => {
        if (id === 'e2e-01') throw new Unsuitable('it is the first');
        return models;
      },
    }),
  };
  const results = await runCorpus({ ...options, engine: picky });
  const skipped = results.filter(({ outcome }) => outcome === 'skipped');
  expect(skipped.map((one) => [one.case.id, [...one.skipped]])).toEqual([
    ['e2e-01', [['it is the first', 1]]],
  ]);
  expect(results.filter(({ outcome }) => outcome === 'passed')).toHaveLength(49);
});

test('where somebody else refuses changes, that decides', async () => {
  const lenient: Engine = {
    ...reference,
    open: async (given) => ({
      ...(await reference.open(given)),
      refusal: async ({ name }) =>
        name === 'x/below-port' ? undefined : 'may not be specified when `port` is',
    }),
  };
  const api = { ...corpus, cases: corpus.cases.filter(({ id }) => id === 'api-02') };
  const [result] = await runCorpus({ ...options, corpus: api, engine: lenient });
  const messages = result?.differences.map((one) => (one.kind === 'error' ? one.message : one.kind));
  expect(messages).toHaveLength(3);
  expect(messages?.[2]).toContain('create policy x/below-port: not refused');
});
