/** What has arrived is put in force at once, as one change, however many pieces it came in. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KubernetesClient } from '../../../src/kubernetes/client.ts';
import { ClusterWatch } from '../../../src/sources/api/cluster-watch.ts';
import type { ClusterUpdate } from '../../../src/sources/api/cluster-watch.ts';
import { FakeApiServer } from '../../kubernetes/fake-api-server.ts';
import { FakeStore } from '../../kubernetes/fake-store.ts';
import { plainConnection, until } from '../../kubernetes/recorder.ts';

let server: FakeApiServer;
let store: FakeStore;
let watch: ClusterWatch;
let updates: ClusterUpdate[];

beforeEach(async () => {
  server = await FakeApiServer.start();
  store = new FakeStore();
  server.stores.set('/api/v1/namespaces', store);
  updates = [];
  watch = new ClusterWatch({
    client: new KubernetesClient(plainConnection(server.url)),
    observer: { updated: (update) => updates.push(update), state: () => undefined },
  });
  await eventually(() => Object.values(watch.state()).every(({ phase }) => phase === 'watching'));
});

afterEach(async () => {
  watch.close();
  await server.stop();
});

const eventually = (condition: () => boolean): Promise<void> =>
  until(condition, { what: () => JSON.stringify(watch.state()) });
const known = (): number => new Set(updates.flatMap(({ namespaces }) => [...namespaces.keys()])).size;

test('events that arrive together are one update', async () => {
  for (let index = 0; index < 200; index++) store.set(`tenant-${index}`, 'a');
  await eventually(() => known() === 200);
  expect(updates.length).toBeLessThan(20);
  expect(updates.at(-1)?.resourceVersions.namespaces).toBe(String(store.version));
});

test('of an object that changes again before anybody looked, only the last is told', async () => {
  for (let index = 0; index < 50; index++)
    store.set('tenant', 'a', { metadata: { labels: { step: `s${index}` } } });
  await eventually(() => updates.at(-1)?.namespaces.get('tenant')?.labels['step'] === 's49');
  expect(updates.length).toBeLessThan(10);
});

test('nothing is told after it was closed', async () => {
  const before = updates.length;
  store.set('tenant', 'a');
  await eventually(() => watch.state().namespaces.resourceVersion === String(store.version));
  watch.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(updates.length - before).toBeLessThanOrEqual(1);
});
