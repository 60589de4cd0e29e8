/** A reflector and a server that fails: whatever happens, what the observer was told amounts to what the server has. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BulkheadError, failure } from '../../src/errors.ts';
import type { Pace } from '../../src/kubernetes/reflector.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { Recorder, until } from './recorder.ts';

let server: FakeApiServer;
const recorders: Recorder[] = [];

beforeEach(async () => {
  server = await FakeApiServer.start();
});

afterEach(async () => {
  for (const recorder of recorders.splice(0)) recorder.close();
  await server.stop();
});

function follow(pace: Partial<Pace> = {}): Recorder {
  const recorder = new Recorder(server, pace);
  recorders.push(recorder);
  return recorder;
}

function watchRequests(): URLSearchParams[] {
  return server.requests.filter(({ query }) => query.has('watch')).map(({ query }) => query);
}

describe('listing', () => {
  test('comes in pages and is one batch, before `synced`', async () => {
    for (let index = 0; index < 10; index += 1) server.store.set(`shop/pod-${index}`, 'a');
    const recorder = follow();
    await recorder.watching();
    expect(recorder.batches).toHaveLength(1);
    expect(recorder.batches[0]).toMatchObject({ resourceVersion: String(server.store.version) });
    expect(recorder.batches[0]?.changes).toHaveLength(10);
    expect(recorder.syncs).toBe(1);
    const pages = server.requests.filter(({ query }) => !query.has('watch'));
    expect(pages.map(({ query }) => query.get('limit'))).toEqual(['3', '3', '3', '3']);
    // The most recent state: an old one would undo what is enforced already.
    expect(pages.every(({ query }) => !query.has('resourceVersion'))).toBe(true);
  });

  test('of nothing is no batch, but synced', async () => {
    const recorder = follow();
    await recorder.watching();
    expect([recorder.batches.length, recorder.syncs]).toEqual([0, 1]);
    server.store.set('shop/cart', 'a');
    await recorder.caughtUp(server);
  });

  test('begins anew when the server forgets the list between two pages', async () => {
    for (let index = 0; index < 10; index += 1) server.store.set(`shop/pod-${index}`, 'a');
    server.faults.list.push({ kind: 'pieces', bytes: 7 });
    const recorder = follow();
    await until(() => server.requests.length === 1, { what: () => 'first page' });
    server.store.remove('shop/pod-0');
    server.store.compact();
    await recorder.caughtUp(server);
    expect(recorder.batches).toHaveLength(1);
    expect(recorder.reflector.state.counts.failures).toBe(0);
  });

  test.each([
    // The first may be a kept connection that the server had given up: it counts for nothing.
    ['a reset connection', 1, { kind: 'reset' }],
    ['a cut page', 2, { kind: 'cut', bytes: 120 }],
    ['a page that ends too early', 2, { kind: 'end', bytes: 120 }],
    ['a server that is overloaded', 2, { kind: 'status', status: 429 }],
    ['a server that fails', 2, { kind: 'status', status: 500 }],
    ['a server that lets nobody in', 2, { kind: 'status', status: 403 }],
  ] as const)('tells nothing of a list that broke, by %s, and tries again', async (_, failures, fault) => {
    for (let index = 0; index < 5; index += 1) server.store.set(`shop/pod-${index}`, 'a');
    server.faults.list.push({ kind: 'pieces', bytes: 1_000 }, fault, fault);
    const recorder = follow();
    await recorder.caughtUp(server);
    await recorder.watching();
    expect(recorder.batches).toHaveLength(1);
    expect(recorder.syncs).toBe(1);
    expect(recorder.reflector.state.counts.failures).toBe(failures);
  });
});

describe('watching', () => {
  test('delivers events in order, with the version to which they lead', async () => {
    const recorder = follow();
    await recorder.watching();
    server.store.set('shop/cart', 'a');
    server.store.set('shop/cart', 'b');
    server.store.remove('shop/cart');
    await until(() => recorder.batches.flatMap(({ changes }) => changes).length === 3, {
      what: () => recorder.describeState(),
    });
    const changes = recorder.batches.flatMap((batch) => batch.changes);
    expect(changes.map(({ key, now }) => [key, now?.text])).toEqual([
      ['shop/cart', 'a'],
      ['shop/cart', 'b'],
      ['shop/cart', undefined],
    ]);
    expect(recorder.batches.at(-1)?.resourceVersion).toBe(String(server.store.version));
  });

  test('makes one batch of what one piece of bytes brings, with the time of its arrival', async () => {
    const recorder = follow();
    await recorder.watching();
    server.store.set('shop/seen', 'a');
    await recorder.caughtUp(server);
    server.cut();
    // All of these wait for the next watch, and come at once.
    for (let index = 0; index < 5; index += 1) server.store.set(`shop/pod-${index}`, 'a');
    const before = performance.now();
    await recorder.caughtUp(server);
    const batch = recorder.batches.at(-1);
    expect(batch?.changes.length).toBeGreaterThan(1);
    expect(batch?.arrived).toBeGreaterThanOrEqual(before);
    expect(batch?.arrived).toBeLessThanOrEqual(performance.now());
  });

  test('goes on where it was, not with a list, after each end', async () => {
    server.store.set('shop/cart', 'a');
    server.faults.watch.push(
      { kind: 'end', bytes: 300 },
      { kind: 'cut', bytes: 300 },
      { kind: 'cut', bytes: 301 },
    );
    const recorder = follow();
    await recorder.watching();
    for (let index = 0; index < 20; index += 1) server.store.set('shop/cart', `text ${index}`);
    await recorder.caughtUp(server);
    expect(server.requests.filter(({ query }) => !query.has('watch'))).toHaveLength(1);
    const versions = watchRequests().map((query) => Number(query.get('resourceVersion')));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(recorder.reflector.state.counts).toMatchObject({ relists: 0, restarts: 3 });
  });

  test('asks for bookmarks, and goes on from the last', async () => {
    server.faults.watch.push({ kind: 'bookmarks' });
    const recorder = follow();
    await recorder.watching();
    server.store.set('shop/cart', 'a');
    await until(() => recorder.reflector.state.counts.bookmarks === 1, {
      what: () => recorder.describeState(),
    });
    expect(watchRequests()[0]?.get('allowWatchBookmarks')).toBe('true');
    expect(recorder.reflector.state.resourceVersion).toBe(String(server.store.version));
  });

  test('asks for an end after a random time, so that agents spread over servers', async () => {
    server.faults.watch.push(...Array.from({ length: 12 }, () => ({ kind: 'end', bytes: 10 }) as const));
    const recorder = follow({ watchSeconds: 300 });
    server.store.set('shop/cart', 'a');
    await recorder.watching();
    server.store.set('shop/cart', 'b');
    await until(() => watchRequests().length >= 12, { what: () => recorder.describeState() });
    const seconds = watchRequests().map((query) => Number(query.get('timeoutSeconds')));
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(300);
    expect(Math.max(...seconds)).toBeLessThanOrEqual(600);
    expect(new Set(seconds).size).toBeGreaterThan(2);
  });

  test('tells a name that passed to another object as two changes, also in a list', async () => {
    server.store.set('shop/cart', 'a');
    const recorder = follow();
    await recorder.watching();
    await server.stop();
    server.store.remove('shop/cart');
    server.store.set('shop/cart', 'a');
    server.store.compact();
    await server.listen();
    await recorder.caughtUp(server);
    expect(recorder.batches.at(-1)?.changes.map(({ now }) => now?.uid)).toEqual([undefined, 'uid-2']);
  });

  test('takes events that come twice once', async () => {
    server.faults.watch.push({ kind: 'repeat' });
    const recorder = follow();
    await recorder.watching();
    for (const text of ['a', 'b', 'c']) server.store.set('shop/cart', text);
    server.store.remove('shop/cart');
    await until(() => recorder.reflector.state.counts.events === 8, { what: () => recorder.describeState() });
    expect(recorder.batches.flatMap(({ changes }) => changes)).toHaveLength(4);
    expect(recorder.reflector.state.counts.repeated).toBe(4);
  });
});

describe('a server that forgot where we were', () => {
  test.each([
    ['refuses the watch', () => server.store.compact()],
    ['says so in the stream', () => server.faults.watch.push({ kind: 'error-event', code: 410 })],
    ['has a past of its own', () => server.faults.watch.push({ kind: 'old-bookmark' })],
  ])('%s: a list finds what was missed, and nothing is forgotten', async (_, happens) => {
    for (const key of ['shop/goes', 'shop/stays', 'shop/changes']) server.store.set(key, 'a');
    const recorder = follow();
    await recorder.watching();
    await server.stop();
    server.store.remove('shop/goes');
    server.store.set('shop/changes', 'b');
    server.store.set('shop/comes', 'a');
    happens();
    await server.listen();
    await recorder.caughtUp(server);
    await until(() => recorder.reflector.state.counts.relists === 1, {
      what: () => recorder.describeState(),
    });
    const told = recorder.batches.slice(1).flatMap(({ changes }) => changes.map(({ key }) => key));
    expect(told.toSorted()).toEqual(['shop/changes', 'shop/comes', 'shop/goes']);
    expect(recorder.syncs).toBe(1);
  });

  test('and came back from a backup: its objects count, though their versions are older', async () => {
    server.store.set('shop/cart', 'new');
    for (let index = 0; index < 50; index += 1) server.store.tick();
    server.store.set('shop/lost', 'new');
    const recorder = follow();
    await recorder.watching();
    await recorder.caughtUp(server);
    await server.stop();
    server.store.restore([['shop/cart', 'from the backup']], 101);
    server.faults.watch.push({ kind: 'old-bookmark' });
    await server.listen();
    await recorder.caughtUp(server);
    expect([...recorder.pods.keys()]).toEqual(['shop/cart']);
  });

  test('is not believed for ever: errors in the stream lead to a list', async () => {
    const recorder = follow();
    await recorder.watching();
    const errors = Array.from({ length: 3 }, () => ({ kind: 'error-event', code: 500 }) as const);
    server.faults.watch.push(...errors);
    server.cut();
    await until(() => recorder.reflector.state.counts.relists === 1, {
      what: () => recorder.describeState(),
    });
    await recorder.watching();
  });
});

describe('state', () => {
  test('is stale from the loss of the server until the next watch, and says why', async () => {
    const recorder = follow();
    expect(recorder.reflector.state).toMatchObject({ phase: 'listing', synced: false });
    await recorder.watching();
    expect(recorder.reflector.state).toMatchObject({ phase: 'watching', synced: true });
    expect(recorder.reflector.state.staleSince).toBeUndefined();
    const before = performance.now();
    await server.stop();
    await until(() => recorder.errors.some(({ code }) => code === 'KUBERNETES_UNREACHABLE'), {
      what: () => recorder.describeState(),
    });
    const since = recorder.reflector.state.staleSince ?? 0;
    expect(since).toBeGreaterThanOrEqual(before);
    await until(() => recorder.reflector.state.counts.failures > 5, { what: () => recorder.describeState() });
    expect(recorder.reflector.state).toMatchObject({
      phase: 'disconnected',
      synced: true,
      staleSince: since,
    });
    await server.listen();
    await recorder.watching();
    expect(recorder.reflector.state.staleSince).toBeUndefined();
    expect(recorder.reflector.state.error).toBeUndefined();
  });

  test('tells of an error once, not with each attempt', async () => {
    server.faults.list.push(...Array.from({ length: 10 }, () => ({ kind: 'status', status: 403 }) as const));
    const recorder = follow();
    await recorder.watching();
    expect(recorder.errors.map(({ code }) => code)).toEqual(['KUBERNETES_FORBIDDEN']);
    expect(recorder.errors[0]?.message).toMatch(/^error KUBERNETES_FORBIDDEN: list pods: /);
  });

  test('a watch that nothing comes by, not even a bookmark, is given up', async () => {
    server.faults.watch.push({ kind: 'silence' });
    const recorder = follow({ watchSilenceMs: 100 });
    await recorder.watching();
    server.store.set('shop/cart', 'a');
    await recorder.caughtUp(server);
    expect(recorder.errors.map(({ code }) => code)).toContain('KUBERNETES_TIMEOUT');
  });

  test('a server that does not answer is given up', async () => {
    let asked = 0;
    server.routes.set('GET /api/v1/pods', (_, response) => {
      asked += 1;
      if (asked < 3) return;
      server.routes.clear();
      response.socket?.destroy();
    });
    server.store.set('shop/cart', 'a');
    const recorder = follow({ answerMs: 100 });
    await recorder.caughtUp(server);
    expect(recorder.errors.map(({ code }) => code)).toContain('KUBERNETES_TIMEOUT');
  });

  test('a server that asks for time gets it', async () => {
    server.faults.list.push({ kind: 'status', status: 503, headers: { 'retry-after': '1' } });
    const recorder = follow();
    const started = performance.now();
    await recorder.watching();
    expect(performance.now() - started).toBeGreaterThanOrEqual(1_000);
  });
});

describe('the observer', () => {
  test('that throws gets what it did not take again, and what happened since', async () => {
    const recorder = follow();
    await recorder.watching();
    const refused: string[] = [];
    recorder.before = ({ changes }) => {
      if (refused.length >= 2) return;
      refused.push(...changes.map(({ key }) => key));
      throw new BulkheadError(failure('KUBERNETES_CONFLICT', 'not now'));
    };
    server.store.set('shop/first', 'a');
    server.store.set('shop/second', 'a');
    await recorder.caughtUp(server);
    expect(refused).toContain('shop/first');
    expect(recorder.errors.map(({ message }) => message)).toContain('error KUBERNETES_CONFLICT: not now');
  });

  test('hears nothing after close, whatever is under way', async () => {
    for (const moment of ['at once', 'while listing', 'while watching', 'while waiting'] as const) {
      for (let index = 0; index < 10; index += 1) server.store.set(`shop/pod-${index}`, moment);
      if (moment === 'while waiting')
        server.faults.list.push({ kind: 'status', status: 500, headers: { 'retry-after': '60' } });
      const recorder = follow();
      if (moment === 'while listing') await until(() => server.requests.length > 0, { what: () => moment });
      if (moment === 'while watching') await recorder.watching();
      if (moment === 'while waiting')
        await until(() => recorder.errors.length > 0, { what: () => recorder.describeState() });
      recorder.close();
      server.store.set('shop/late', moment);
      await until(() => server.connections === 0, {
        what: () => `${server.connections} connections ${moment}`,
      });
      expect(recorder.reflector.state.phase).toBe('closed');
      server.requests.length = 0;
    }
  });
});
