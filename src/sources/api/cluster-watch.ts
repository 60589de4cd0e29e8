/** What policies need to know of a cluster, followed: four resources, one stream of updates. */
import type { Diagnostic } from '../../errors.ts';
import type { KubernetesClient, RawObject } from '../../kubernetes/client.ts';
import type { Batch, ReflectorState } from '../../kubernetes/observer.ts';
import { Reflector, type Pace } from '../../kubernetes/reflector.ts';
import { namespaces, networkPolicies, nodes, pods } from '../../kubernetes/resource.ts';
import type { Namespace, Node, Pod } from '../../objects/model.ts';
import { decodeNamespace } from './namespace.ts';
import { decodeApiPolicy, type ApiPolicy } from './network-policy.ts';
import { decodeNode } from './node.ts';
import { decodePod } from './pod.ts';
import { Sharing } from './sharing.ts';

const resources = { namespaces, nodes, pods, networkPolicies };

export type WatchedResource = keyof typeof resources;

interface Watched {
  readonly namespaces: Namespace;
  readonly nodes: Node;
  readonly pods: Pod;
  readonly networkPolicies: ApiPolicy;
}

/** What has become of the objects of a resource: by key as in `Cluster`; undefined: gone. */
type Changed<T> = ReadonlyMap<string, T | undefined>;

export interface ClusterUpdate {
  readonly namespaces: Changed<Namespace>;
  readonly nodes: Changed<Node>;
  readonly pods: Changed<Pod>;
  readonly networkPolicies: Changed<ApiPolicy>;
  /**
   * What is wrong with objects that this update names, by `pods/shop/cart`. An object that it names and that is not
   * here is in order (or gone).
   */
  readonly problems: ReadonlyMap<string, readonly Diagnostic[]>;
  /** How far each resource now goes. */
  readonly resourceVersions: Readonly<Record<WatchedResource, string>>;
  /** When the bytes of the oldest change in it arrived, as `performance.now()`. */
  readonly arrived: number;
}

export interface ClusterObserver {
  /**
   * The first call has everything, later ones what has changed since the one before: all that has arrived by then, in
   * one. So whoever takes longer than changes take to come gets fewer and larger updates. If the first call throws, it
   * comes again; after that nobody catches what it throws.
   */
  updated: (update: ClusterUpdate) => void;
  /** A reflector's phase or error has changed. */
  state: (resource: WatchedResource, state: ReflectorState) => void;
}

export interface ClusterWatchOptions {
  readonly client: KubernetesClient;
  readonly observer: ClusterObserver;
  readonly pace?: Partial<Pace>;
}

type Followed = Pick<Reflector<unknown>, 'state' | 'close'>;

/** An object and what is wrong with it. */
interface Taken<T> {
  readonly object: T | undefined;
  readonly problems: readonly Diagnostic[];
}

export class ClusterWatch {
  readonly #observer: ClusterObserver;
  readonly #reflectors: Readonly<Record<WatchedResource, Followed>>;
  readonly #unsynced = new Set<WatchedResource>(['namespaces', 'nodes', 'pods', 'networkPolicies']);
  readonly #versions: Record<WatchedResource, string> = {
    namespaces: '',
    nodes: '',
    pods: '',
    networkPolicies: '',
  };
  #pending = new Pending();
  /** Up to where every change has been delivered. */
  #delivered: Readonly<Record<WatchedResource, string>> = { ...this.#versions };
  #scheduled: NodeJS.Immediate | undefined;

  /** Begins at once. */
  constructor({ client, observer, pace }: ClusterWatchOptions) {
    this.#observer = observer;
    const sharing = new Sharing();
    const reflect = <R extends WatchedResource>(
      resource: R,
      decode: (raw: RawObject) => Taken<Watched[R]>,
    ): Followed =>
      new Reflector<Taken<Watched[R]>>({
        client,
        resource: resources[resource],
        decode,
        observer: {
          changed: (batch) => this.#changed(resource, batch),
          synced: (resourceVersion) => this.#synced(resource, resourceVersion),
          state: (state) => observer.state(resource, state),
        },
        ...(pace ? { pace } : {}),
      });
    this.#reflectors = {
      namespaces: reflect('namespaces', decodeNamespace),
      nodes: reflect('nodes', decodeNode),
      pods: reflect('pods', (raw) => decodePod(raw, sharing)),
      networkPolicies: reflect('networkPolicies', (raw) => {
        const { policy, problems } = decodeApiPolicy(raw);
        return { object: policy, problems };
      }),
    };
  }

  state(): Readonly<Record<WatchedResource, ReflectorState>> {
    const following = this.#reflectors;
    return {
      namespaces: following.namespaces.state,
      nodes: following.nodes.state,
      pods: following.pods.state,
      networkPolicies: following.networkPolicies.state,
    };
  }

  /** Whether the first update has been delivered. */
  get synced(): boolean {
    return this.#unsynced.size === 0;
  }

  /** Up to where every change of a resource has been delivered; undefined where the API server has forgotten it. */
  delivered(resource: WatchedResource): string | undefined {
    return this.#scheduled ? this.#delivered[resource] : this.state()[resource].resourceVersion;
  }

  /** Ends everything at once: the observer hears nothing more. */
  close(): void {
    clearImmediate(this.#scheduled);
    for (const reflector of Object.values(this.#reflectors)) reflector.close();
  }

  #changed<R extends WatchedResource>(resource: R, batch: Batch<Taken<Watched[R]>>): void {
    this.#versions[resource] = batch.resourceVersion;
    this.#pending.add(resource, batch);
    // Once all is read that has arrived.
    if (this.synced) this.#scheduled ??= setImmediate(() => this.#deliver());
  }

  #synced(resource: WatchedResource, resourceVersion: string): void {
    this.#versions[resource] = resourceVersion;
    if (this.#unsynced.size > 1) {
      this.#unsynced.delete(resource);
    } else if (this.#unsynced.has(resource)) {
      this.#deliver();
      this.#unsynced.delete(resource);
    }
  }

  #deliver(): void {
    const { maps, arrived } = this.#pending;
    const resourceVersions = { ...this.#versions };
    this.#scheduled = undefined;
    this.#observer.updated({ ...maps, resourceVersions, arrived });
    this.#pending = new Pending();
    this.#delivered = resourceVersions;
  }
}

/** Changes that have not been delivered; of several to one object the last counts. */
class Pending {
  readonly maps = {
    namespaces: new Map<string, Namespace | undefined>(),
    nodes: new Map<string, Node | undefined>(),
    pods: new Map<string, Pod | undefined>(),
    networkPolicies: new Map<string, ApiPolicy | undefined>(),
    problems: new Map<string, readonly Diagnostic[]>(),
  };
  arrived = Infinity;

  add<R extends WatchedResource>(resource: R, batch: Batch<Taken<Watched[R]>>): void {
    this.arrived = Math.min(this.arrived, batch.arrived);
    const map = this.maps[resource] as Map<string, Watched[R] | undefined>;
    for (const { key, now } of batch.changes) {
      map.set(key, now?.object);
      const file = `${resource.toLowerCase()}/${key}`;
      if (now && now.problems.length > 0) this.maps.problems.set(file, now.problems);
      else this.maps.problems.delete(file);
    }
  }
}
