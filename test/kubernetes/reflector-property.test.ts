/** Cuts at each byte, and sequences of changes and faults that nobody thought of. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeApiServer, type Fault } from './fake-api-server.ts';
import { Recorder, until } from './recorder.ts';

/** Characters of one to four bytes, and what JSON has to escape. */
const text = 'aß漢😀"\\\n';

test('a watch that is cut at any of its bytes loses nothing and repeats nothing', async () => {
  const server = await FakeApiServer.start();
  server.store.set('shop/before', text);
  const start = server.store.version;
  const length = changeThree(server);
  for (let bytes = 0; bytes <= length; bytes += 1) {
    for (const kind of ['cut', 'end'] as const) {
      // The reflector lists what is left of an earlier round, and watches what this one changes.
      const recorder = new Recorder(server);
      server.faults.watch.push({ kind, bytes });
      await recorder.watching();
      const seen = recorder.batches.flatMap(({ changes }) => changes).length;
      changeThree(server);
      await recorder.caughtUp(server);
      await until(() => recorder.reflector.state.resourceVersion === String(server.store.version), {
        what: () => `${kind} after ${bytes}: ${recorder.describeState()}`,
      });
      const changes = recorder.batches.flatMap((batch) => batch.changes).slice(seen);
      expect(
        changes.map(({ key, now }) => [key, now?.text]),
        `${kind} after ${bytes} bytes`,
      ).toEqual([
        ['shop/cart', text],
        ['shop/cart', `${text}!`],
        ['shop/cart', undefined],
      ]);
      expect(recorder.reflector.state.counts.relists).toBe(0);
      recorder.close();
    }
  }
  expect(start).toBeLessThan(server.store.version);
  await server.stop();
});

/** Bytes of the events in a watch. */
function changeThree({ store }: FakeApiServer): number {
  const before = store.version;
  store.set('shop/cart', text);
  store.set('shop/cart', `${text}!`);
  store.remove('shop/cart');
  const lines = store.eventsAfter(before).map(({ type, object }) => `${JSON.stringify({ type, object })}\n`);
  return Buffer.byteLength(lines.join(''));
}

type Step =
  | { readonly kind: 'set' | 'remove' | 'replace'; readonly key: string; readonly text: string }
  | { readonly kind: 'compact' | 'cut' | 'outage' | 'tick' | 'breathe' }
  | { readonly kind: 'fault'; readonly of: 'list' | 'watch'; readonly fault: Fault };

const key = fc.constantFrom('a/one', 'a/two', 'b/one', 'b/two', 'b/three');
const bytes = fc.integer({ min: 0, max: 700 });
const anyFault = fc.oneof(
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constantFrom(401, 403, 404, 410, 429, 500, 503, 504),
  }),
  fc.constant({ kind: 'reset' } as const),
  fc.record({ kind: fc.constantFrom('cut' as const, 'end' as const), bytes }),
  fc.record({ kind: fc.constant('pieces' as const), bytes: fc.integer({ min: 1, max: 9 }) }),
);
const watchFault = fc.oneof(
  anyFault,
  fc.record({ kind: fc.constant('error-event' as const), code: fc.constantFrom(410, 500, 504) }),
  fc.constantFrom(
    { kind: 'repeat' } as const,
    { kind: 'old-bookmark' } as const,
    { kind: 'bookmarks' } as const,
  ),
  fc.constant({ kind: 'silence' } as const),
);
const change = fc.record({
  kind: fc.constantFrom('set' as const, 'set' as const, 'remove' as const, 'replace' as const),
  key,
  text: fc.constantFrom('a', 'b', text),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: change },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('compact' as const, 'cut' as const, 'outage' as const, 'tick' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('breathe' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      of: fc.constant('list' as const),
      fault: anyFault,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      of: fc.constant('watch' as const),
      fault: watchFault,
    }),
  },
);

test(
  'whatever changes and fails, the observer ends with what the server has',
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const server = await FakeApiServer.start();
        const recorder = new Recorder(server, { pageSize: 2, watchSilenceMs: 60 });
        try {
          for (const one of steps) await take(server, one);
          server.faults.list.length = 0;
          server.faults.watch.length = 0;
          await recorder.caughtUp(server);
          expect(recorder.syncs).toBe(1);
        } finally {
          recorder.close();
          await server.stop();
        }
      }),
      { numRuns: 150 },
    );
  },
);

async function take(server: FakeApiServer, one: Step): Promise<void> {
  const { store, faults } = server;
  switch (one.kind) {
    case 'set':
      return store.set(one.key, one.text);
    case 'remove':
      return store.remove(one.key);
    case 'replace':
      store.remove(one.key);
      return store.set(one.key, one.text);
    case 'compact':
      return store.compact();
    case 'tick':
      return store.tick();
    case 'cut':
      return server.cut();
    case 'outage':
      await server.stop();
      await breathe(3);
      return server.listen();
    case 'fault':
      faults[one.of].push(one.fault);
      return undefined;
    case 'breathe':
      return breathe(2);
  }
}

async function breathe(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
