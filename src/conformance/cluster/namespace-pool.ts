/** The namespaces of a session: made when first needed, relabelled after that, all removed at its end. */
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { namespaces } from '../../kubernetes/resource.ts';
import type { Labels } from '../../objects/model.ts';
import { labelPatch } from './label-patch.ts';
import { runLabel, type Names } from './names.ts';
import { untilGone } from './until-gone.ts';

export interface NamespacePoolOptions {
  readonly client: KubernetesClient;
  readonly names: Names;
  readonly run: string;
}

export class NamespacePool {
  readonly #options: NamespacePoolOptions;
  /** Labels by name in the cluster. */
  readonly #live = new Map<string, Readonly<Record<string, string>>>();

  constructor(options: NamespacePoolOptions) {
    this.#options = options;
  }

  async ensure(name: string, labels: Labels): Promise<void> {
    const { client, names, run } = this.#options;
    const real = names.namespace(name);
    const wanted = {
      ...names.labels(labels),
      [runLabel]: run,
      // Servers listen on ports that only root may have.
      'pod-security.kubernetes.io/enforce': 'baseline',
    };
    const before = this.#live.get(real);
    const patch = before && labelPatch(before, wanted);
    if (!before) await client.create(namespaces, {}, { metadata: { name: real, labels: wanted } });
    else if (patch) await client.patch(namespaces, { name: real }, patch);
    this.#live.set(real, wanted);
  }

  /** Until it is gone. */
  async delete(name: string): Promise<void> {
    const real = this.#options.names.namespace(name);
    await this.#delete(real);
    await untilGone(this.#options.client, namespaces, { name: real });
  }

  /** Everything in them goes with them, soon after this. */
  async close(): Promise<void> {
    await Promise.all([...this.#live.keys()].map(async (real) => this.#delete(real)));
  }

  async #delete(real: string): Promise<void> {
    this.#live.delete(real);
    await this.#options.client.delete(namespaces, { name: real });
  }
}
