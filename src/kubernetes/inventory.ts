/**
 * What is known of the objects of a resource: just enough to tell which of them a list, or an event, has changed.
 * A comparison changes nothing until its result is accepted: what could not be delivered is not known.
 */
import type { RawObject } from './client.ts';
import type { ObjectChange } from './observer.ts';
import type { ObjectIdentity } from './watch-event.ts';

type Known = Pick<ObjectIdentity, 'uid' | 'resourceVersion'>;

export class Inventory<T> {
  readonly #decode: (object: RawObject) => T;
  readonly #known = new Map<string, Known>();

  constructor(decode: (object: RawObject) => T) {
    this.#decode = decode;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Begins a comparison. */
  compare(): Comparison<T> {
    return new Comparison(this.#known, this.#decode);
  }

  /** Takes over what a comparison found. */
  accept(found: ReadonlyMap<string, Known | undefined>): void {
    for (const [key, known] of found) {
      if (known) this.#known.set(key, known);
      else this.#known.delete(key);
    }
  }
}

/** Compares objects with what is known; `found` and `changes` grow. */
export class Comparison<T> {
  /** In the order in which they are to be delivered. */
  readonly changes: ObjectChange<T>[] = [];
  /** What will be known; undefined: gone. */
  readonly found = new Map<string, Known | undefined>();
  readonly #before: ReadonlyMap<string, Known>;
  readonly #decode: (object: RawObject) => T;

  constructor(before: ReadonlyMap<string, Known>, decode: (object: RawObject) => T) {
    this.#before = before;
    this.#decode = decode;
  }

  /** The object is there, in this state. False if that was known. */
  present(identity: ObjectIdentity, object: RawObject): boolean {
    const { key, uid, resourceVersion } = identity;
    const known = this.#current(key);
    if (known?.uid === uid && known.resourceVersion === resourceVersion) return false;
    // Another object has the name now; that the first was deleted was missed.
    if (known && known.uid !== uid) this.changes.push({ key, now: undefined, resourceVersion });
    this.changes.push({ key, now: this.#decode(object), resourceVersion });
    this.found.set(key, { uid, resourceVersion });
    return true;
  }

  /** There is no object by that name. False if that was known. */
  absent(key: string, resourceVersion: string): boolean {
    if (!this.#current(key)) return false;
    this.changes.push({ key, now: undefined, resourceVersion });
    this.found.set(key, undefined);
    return true;
  }

  /** Everything known that is not among these keys is gone. */
  absentBut(present: ReadonlySet<string>, resourceVersion: string): void {
    for (const key of this.#before.keys()) if (!present.has(key)) this.absent(key, resourceVersion);
  }

  #current(key: string): Known | undefined {
    return this.found.has(key) ? this.found.get(key) : this.#before.get(key);
  }
}
