/** Writes the node's NodePolicyStatus: soon after something changed, once a minute otherwise, never two at once. */
import { BulkheadError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Resource } from '../kubernetes/resource.ts';
import type { Node } from '../objects/model.ts';
import { statusApi } from './node-status.ts';
import type { NodePolicyStatus } from './node-status.ts';

const resource: Resource = { group: statusApi.group, version: statusApi.version, plural: statusApi.plural };

export interface StatusWriterOptions {
  readonly client: KubernetesClient;
  /** As it is now: what belongs to one that is gone is removed, even where another one has its name. */
  readonly node: () => Pick<Node, 'name' | 'uid'>;
  readonly status: () => NodePolicyStatus;
  /** Called after each attempt; undefined: it was written. */
  readonly onResult: (error: BulkheadError | undefined) => void;
  /** Changes within so many milliseconds are one. */
  readonly gatherMs?: number;
  readonly heartbeatMs?: number;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #gatherMs: number;
  readonly #heartbeatMs: number;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #dirty = false;
  #closed = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#gatherMs = options.gatherMs ?? 500;
    this.#heartbeatMs = options.heartbeatMs ?? 60_000;
  }

  /** The status may be another one now. */
  changed(): void {
    if (this.#closed) return;
    if (this.#dirty) return;
    this.#dirty = true;
    if (!this.#writing) this.#schedule(this.#gatherMs);
  }

  /** Waits for a write under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
  }

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined;
        if (!this.#closed) this.#schedule(this.#dirty ? this.#gatherMs : this.#heartbeatMs);
      });
    }, delay).unref();
  }

  async #write(): Promise<void> {
    const { client, node, status, onResult } = this.#options;
    this.#dirty = false;
    const { name, uid } = node();
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid };
    const object = {
      apiVersion: `${statusApi.group}/${statusApi.version}`,
      kind: statusApi.kind,
      metadata: { name, ownerReferences: [owner] },
      status: status(),
    };
    try {
      await client.apply(resource, { name }, object, {
        fieldManager: 'bulkhead-agent',
        force: true,
      });
      onResult(undefined);
    } catch (error) {
      if (!(error instanceof BulkheadError)) throw error;
      this.#dirty = true;
      onResult(error);
    }
  }
}
