/**
 * The cluster as the API server last told it: the same objects as in `Cluster`, but the maps go on changing. For
 * explaining flows and for the debug API; what is enforced is the compiler's business.
 */
import type { Cluster, Namespace, NetworkPolicy, Node, Pod } from '../objects/model.ts';
import { keepHolders } from '../observe/holders.ts';
import type { KnownHolder } from '../observe/holders.ts';
import { compareClaims, isPolicyPod } from '../policy/holder.ts';

type Changed<T> = Iterable<readonly [key: string, now: T | undefined]>;

export interface ObjectChange {
  readonly namespaces?: Changed<Namespace>;
  readonly nodes?: Changed<Node>;
  readonly pods?: Changed<Pod>;
  readonly networkPolicies?: Changed<NetworkPolicy>;
}

export class LiveCluster {
  readonly #namespaces = new Map<string, Namespace>();
  readonly #nodes = new Map<string, Node>();
  readonly #pods = new Map<string, Pod>();
  readonly #networkPolicies = new Map<string, NetworkPolicy>();
  /** Address → who claims it, by key. */
  readonly #claims = new Map<string, Map<string, Pod | Node>>();
  readonly cluster: Cluster = {
    namespaces: this.#namespaces,
    nodes: this.#nodes,
    pods: this.#pods,
    networkPolicies: this.#networkPolicies,
    services: new Map(),
    endpoints: [],
    families: [4, 6],
  };

  constructor() {
    keepHolders(this.cluster, { get: (text) => this.#holder(text) });
  }

  apply({ namespaces = [], nodes = [], pods = [], networkPolicies = [] }: ObjectChange): void {
    put(this.#namespaces, namespaces);
    put(this.#networkPolicies, networkPolicies);
    for (const [name, node] of nodes) {
      this.#reclaim(`node ${name}`, this.#nodes.get(name), node);
      put(this.#nodes, [[name, node]]);
    }
    for (const [key, pod] of pods) {
      this.#reclaim(`pod ${key}`, claimant(this.#pods.get(key)), claimant(pod));
      put(this.#pods, [[key, pod]]);
    }
  }

  #reclaim(key: string, before: Pod | Node | undefined, now: Pod | Node | undefined): void {
    const kept = new Set(now?.addresses.map(({ text }) => text));
    for (const { text } of before?.addresses ?? []) {
      if (kept.has(text)) continue;
      const others = this.#claims.get(text);
      others?.delete(key);
      if (others?.size === 0) this.#claims.delete(text);
    }
    if (!now) return;
    for (const text of kept) {
      const others = this.#claims.get(text);
      if (others) others.set(key, now);
      else this.#claims.set(text, new Map([[key, now]]));
    }
  }

  /** Whose the compiler says it is (live-pods.ts): pods before nodes. */
  #holder(text: string): KnownHolder | undefined {
    const claims = [...(this.#claims.get(text)?.values() ?? [])];
    const pods = claims.filter((claim): claim is Pod => 'phase' in claim);
    const nodes = claims.filter((claim): claim is Node => !('phase' in claim));
    const owner = pods.toSorted(compareClaims)[0] ?? nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))[0];
    if (!owner) return undefined;
    const address = owner.addresses.find((one) => one.text === text);
    if (!address) return undefined;
    return 'phase' in owner ? { kind: 'pod', address, pod: owner } : { kind: 'node', address, node: owner };
  }
}

function claimant(pod: Pod | undefined): Pod | undefined {
  return pod && isPolicyPod(pod) ? pod : undefined;
}

function put<T>(map: Map<string, T>, changed: Changed<T>): void {
  for (const [key, now] of changed) {
    if (now === undefined) map.delete(key);
    else map.set(key, now);
  }
}
