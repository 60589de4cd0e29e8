/** Follows a fake API server with a reflector, and keeps what it is told. */
import assert from 'node:assert/strict';
import type { BulkheadError } from '../../src/errors.ts';
import { KubernetesClient, type RawObject } from '../../src/kubernetes/client.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import type { Batch, ReflectorState } from '../../src/kubernetes/observer.ts';
import { Reflector, type Pace } from '../../src/kubernetes/reflector.ts';
import { pods } from '../../src/kubernetes/resource.ts';
import type { FakeApiServer } from './fake-api-server.ts';

/** Quick enough for thousands of faults. */
const quick: Pace = {
  pageSize: 3,
  answerMs: 5_000,
  watchSilenceMs: 5_000,
  watchSeconds: 300,
  steadyMs: 60_000,
  backoff: { firstMs: 1, maxMs: 4 },
};

export interface Pod {
  readonly uid: string;
  readonly version: string;
  readonly text: string;
}

export class Recorder {
  readonly client: KubernetesClient;
  readonly reflector: Reflector<Pod>;
  readonly batches: Batch<Pod>[] = [];
  readonly states: ReflectorState[] = [];
  /** What follows from the batches. */
  readonly pods = new Map<string, Pod>();
  syncs = 0;
  /** Called before a batch is taken; what it throws is the observer's error. */
  before: (batch: Batch<Pod>) => void = () => undefined;
  #closed = false;

  constructor(server: Pick<FakeApiServer, 'url'>, pace: Partial<Pace> = {}) {
    this.client = new KubernetesClient(plainConnection(server.url));
    this.reflector = new Reflector<Pod>({
      client: this.client,
      resource: pods,
      decode,
      pace: { ...quick, ...pace },
      observer: {
        changed: (batch) => this.#take(batch),
        synced: () => {
          this.syncs += 1;
        },
        state: (state) => {
          assert.equal(this.#closed, false);
          this.states.push(state);
        },
      },
    });
  }

  /** Errors that were told, in order. */
  get errors(): readonly BulkheadError[] {
    return this.states.flatMap(({ error }) => error ?? []);
  }

  /** Waits until what was told amounts to what the server has. */
  async caughtUp(server: FakeApiServer): Promise<void> {
    await until(() => this.syncs > 0 && describePods(this.pods) === describeStore(server), {
      what: () => `${describePods(this.pods)}\nbecomes\n${describeStore(server)}\n${this.describeState()}`,
    });
    assert.equal(this.reflector.size, server.store.objects.size);
  }

  async watching(): Promise<void> {
    await until(() => this.reflector.state.phase === 'watching', { what: () => this.describeState() });
  }

  describeState(): string {
    const { phase, error, counts } = this.reflector.state;
    return `${phase} ${JSON.stringify(counts)} ${error?.message ?? ''}`;
  }

  close(): void {
    this.#closed = true;
    this.reflector.close();
    this.client.close();
  }

  #take(batch: Batch<Pod>): void {
    assert.equal(this.#closed, false);
    assert.ok(batch.changes.length > 0);
    this.before(batch);
    for (const { key, now } of batch.changes) {
      const known = this.pods.get(key);
      // Nothing is told that was known, and a name passes to another object by way of being free.
      if (now === undefined) assert.ok(known, key);
      else assert.ok(known === undefined || known.uid === now.uid, key);
      if (now) assert.notEqual(now.version, known?.version, key);
      if (now) this.pods.set(key, now);
      else this.pods.delete(key);
    }
    this.batches.push(batch);
  }
}

export function plainConnection(url: string, headers: Readonly<Record<string, string>> = {}): Connection {
  return {
    server: new URL(url),
    namespace: 'default',
    origin: 'a test',
    trust: () => Promise.resolve({ verify: true }),
    credentials: { identity: () => Promise.resolve({ headers }), refused: () => undefined },
  };
}

export async function until(
  condition: () => boolean,
  { what, patienceMs = 20_000 }: { what: () => string; patienceMs?: number },
): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never came true: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function decode(raw: RawObject): Pod {
  const { metadata } = raw as {
    metadata: { uid: string; resourceVersion: string; annotations: Record<string, string> };
  };
  return {
    uid: metadata.uid,
    version: metadata.resourceVersion,
    text: metadata.annotations['text'] ?? '',
  };
}

function describePods(known: ReadonlyMap<string, Pod>): string {
  const sorted = [...known].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, { uid, version, text }]) => `${key} ${uid} ${version} ${text}`).join('\n');
}

function describeStore({ store }: FakeApiServer): string {
  const lines = [...store.objects].map(([key, { metadata }]) => {
    return `${key} ${metadata.uid} ${metadata.resourceVersion} ${metadata.annotations['text'] ?? ''}`;
  });
  return lines.join('\n');
}
