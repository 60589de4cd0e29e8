/** Makes the policies of a session's namespaces those of a case. */
import { ApiError } from '../../kubernetes/api-error.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { networkPolicies, type Place } from '../../kubernetes/resource.ts';
import { Unsuitable } from '../engine.ts';
import type { Names } from './names.ts';

export class PolicySync {
  readonly #client: KubernetesClient;
  readonly #names: Names;
  /** What the API server holds, as text, by the case's `namespace/name`. */
  readonly #held = new Map<string, string>();

  constructor(client: KubernetesClient, names: Names) {
    this.#client = client;
    this.#names = names;
  }

  /** True if anything had to be done. Throws Unsuitable where the API server won't have a policy. */
  async apply(manifests: ReadonlyMap<string, unknown>): Promise<boolean> {
    const gone = [...this.#held.keys()].filter((key) => !manifests.has(key));
    const changed = [...manifests].filter(
      ([key, manifest]) => this.#held.get(key) !== JSON.stringify(manifest),
    );
    await Promise.all([
      ...gone.map(async (key) => this.#delete(key)),
      ...changed.map(async ([key, manifest]) => this.#put(key, manifest)),
    ]);
    return gone.length + changed.length > 0;
  }

  /** Why the API server would not have it; undefined if it would. Nothing changes. */
  async refusal(key: string, manifest: unknown, verb: 'create' | 'update'): Promise<string | undefined> {
    const path = networkPolicies;
    const { name, namespace } = this.#place(key);
    const call = {
      create: async () => this.#client.create(path, { namespace }, this.#names.policy(manifest), dryRun),
      update: async () =>
        this.#client.replace(path, { namespace, name }, this.#names.policy(manifest), dryRun),
    };
    try {
      await call[verb]();
      return undefined;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 422 || error.status === 400)) return error.message;
      throw error;
    }
  }

  /** They went with their namespace. */
  forget(namespace: string): void {
    for (const key of this.#held.keys()) if (key.startsWith(`${namespace}/`)) this.#held.delete(key);
  }

  async #put(key: string, manifest: unknown): Promise<void> {
    const { namespace, name } = this.#place(key);
    const policy = this.#names.policy(manifest);
    try {
      if (this.#held.has(key)) await this.#client.replace(networkPolicies, { namespace, name }, policy);
      else await this.#client.create(networkPolicies, { namespace }, policy);
    } catch (error) {
      if (!(error instanceof ApiError && (error.status === 422 || error.status === 400))) throw error;
      throw new Unsuitable('the API server refuses one of its policies', { cause: error });
    }
    this.#held.set(key, JSON.stringify(manifest));
  }

  async #delete(key: string): Promise<void> {
    await this.#client.delete(networkPolicies, this.#place(key));
    this.#held.delete(key);
  }

  #place(key: string): Required<Pick<Place, 'namespace' | 'name'>> {
    const [namespace = '', name = ''] = key.split('/');
    return { namespace: this.#names.namespace(namespace), name };
  }
}

const dryRun = { dryRun: true } as const;
