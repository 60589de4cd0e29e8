/** Pods as an API server keeps them: each write has the next resource version, and the past is remembered until it is compacted. */
export interface StoredObject {
  readonly metadata: {
    readonly namespace?: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
}

export interface StoredEvent {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: StoredObject;
}

export class FakeStore {
  #version = 100;
  #uids = 0;
  /** What is older than this has been forgotten. */
  #oldest = 100;
  readonly #objects = new Map<string, StoredObject>();
  #events: StoredEvent[] = [];
  readonly #listeners = new Set<() => void>();

  get version(): number {
    return this.#version;
  }

  get oldest(): number {
    return this.#oldest;
  }

  /** By key, in the order of keys. */
  get objects(): ReadonlyMap<string, StoredObject> {
    return new Map([...this.#objects].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** `key` is `namespace/name`, or a name; `more` are fields beside `metadata`, or of it. */
  set(key: string, text: string, more: { metadata?: object; [field: string]: unknown } = {}): void {
    const before = this.#objects.get(key);
    const slash = key.indexOf('/');
    const metadata = {
      ...more.metadata,
      ...(slash < 0 ? {} : { namespace: key.slice(0, slash) }),
      name: key.slice(slash + 1),
      uid: before?.metadata.uid ?? `uid-${(this.#uids += 1)}`,
      resourceVersion: String((this.#version += 1)),
      annotations: { text },
    };
    const object = { ...more, metadata };
    this.#objects.set(key, object);
    this.#record({ version: this.#version, type: before ? 'MODIFIED' : 'ADDED', object });
  }

  remove(key: string): void {
    const before = this.#objects.get(key);
    if (!before) return;
    this.#objects.delete(key);
    this.#version += 1;
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.#version) } };
    this.#record({ version: this.#version, type: 'DELETED', object });
  }

  /** Another kind of object is written: versions go on. */
  tick(): void {
    this.#version += 1;
  }

  /** Forgets the past up to now. */
  compact(): void {
    this.#oldest = this.#version;
    this.#events = [];
  }

  /** A backup comes back: the past is another one, and shorter. */
  restore(objects: readonly (readonly [key: string, text: string])[], version: number): void {
    this.#objects.clear();
    this.#events = [];
    this.#version = version;
    this.#oldest = version;
    for (const [key, text] of objects) this.set(key, text);
  }

  eventsAfter(version: number): readonly StoredEvent[] {
    return this.#events.filter((event) => event.version > version);
  }

  /** Calls after each write, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(event: StoredEvent): void {
    this.#events.push(event);
    for (const listener of this.#listeners) listener();
  }
}
