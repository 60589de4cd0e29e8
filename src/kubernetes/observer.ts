/** What a reflector tells whoever follows it. */
import type { BulkheadError } from '../errors.ts';

export interface ObjectChange<T> {
  /** `namespace/name`, or the name of what is in no namespace. */
  readonly key: string;
  /** Undefined: it is gone. An object that took the place of another one by its name comes as two changes. */
  readonly now: T | undefined;
  readonly resourceVersion: string;
}

/** Changes that became known at once: all events of one chunk of bytes, or all that a list brought. In order. */
export interface Batch<T> {
  readonly changes: readonly ObjectChange<T>[];
  /** How far the state now goes. */
  readonly resourceVersion: string;
  /** When its last bytes arrived, as `performance.now()`. */
  readonly arrived: number;
}

export interface ReflectorObserver<T> {
  /**
   * What it throws becomes the reflector's error; the batch then counts as not delivered, and its changes come again
   * (with whatever happened since) after the next list.
   */
  changed: (batch: Batch<T>) => void;
  /** The first list has been delivered. Called once, or again if it throws, which is treated as in `changed`. */
  synced: (resourceVersion: string) => void;
  /** The phase or the error is another one than before. */
  state: (state: ReflectorState) => void;
}

export interface ReflectorState {
  /** `disconnected`: the last attempt failed, and the next one is due. */
  readonly phase: 'listing' | 'watching' | 'disconnected' | 'closed';
  /** Whether a list has ever been delivered. */
  readonly synced: boolean;
  /** Since when changes may have been missed (as `performance.now()`); absent while a watch runs. */
  readonly staleSince?: number;
  /** Why it is disconnected. */
  readonly error?: BulkheadError;
  /** How far the state goes; absent before the first list, and when the server has told that it is too old. */
  readonly resourceVersion?: string;
  readonly counts: ReflectorCounts;
}

export interface ReflectorCounts {
  /** Lists after the first that was delivered. */
  readonly relists: number;
  /** Watches after the first, however the one before ended. */
  readonly restarts: number;
  /** Attempts that failed. */
  readonly failures: number;
  readonly events: number;
  /** Events that told nothing new. */
  readonly repeated: number;
  readonly bookmarks: number;
}
