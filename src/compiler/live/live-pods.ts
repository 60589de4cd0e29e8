/** Pods and nodes as they are now: their profiles, and who holds which address. */
import type { Address } from '../../objects/ip.ts';
import type { Labels, Pod } from '../../objects/model.ts';
import { compareClaims, isPolicyPod } from '../../policy/holder.ts';
import { Mentioned, namedPorts, profileKey } from '../profiles.ts';
import type { Held, Owner, Profile } from './model.ts';
import { Namespaces } from './namespaces.ts';

type PodOwner = Extract<Owner, { kind: 'pod' }>;

/** What an update has to follow. */
export interface HoldingListener {
  /** The address has this owner from now on. */
  gained(held: Held): void;
  /** The address is about to have another owner, or none. */
  losing(held: Held): void;
  /** Nobody has the profile any more. */
  unused(profile: Profile): void;
  fresh(profile: Profile): void;
}

export class LivePods {
  readonly mentioned = new Mentioned();
  readonly namespaces = new Namespaces();
  readonly #listener: HoldingListener;
  readonly #pods = new Map<string, PodOwner>();
  readonly #nodes = new Map<string, { readonly owner: Owner; readonly addresses: readonly Address[] }>();
  readonly #profiles = new Map<string, Profile>();
  readonly #held = new Map<string, Held>();
  /** Nobody's, until the update ends or somebody claims them. */
  readonly #vacated = new Set<Held>();

  constructor(listener: HoldingListener) {
    this.#listener = listener;
  }

  get held(): ReadonlyMap<string, Held> {
    return this.#held;
  }

  /** False if the namespace had these labels before. */
  setNamespace(name: string, labels: Labels | undefined): boolean {
    const namespace = this.namespaces.ensure(name);
    const isOther = !sameLabels(namespace.labels, labels);
    if (isOther) this.namespaces.relabel(namespace, labels);
    this.namespaces.dropIfUnused(namespace);
    return isOther;
  }

  /** `named` may hold an address twice, as an API server's text of one may be written in two ways. */
  setNode(name: string, named: readonly Address[]): void {
    const before = this.#nodes.get(name);
    const addresses = [...new Map(named.map((address) => [address.text, address])).values()];
    if (before && sameAddresses(before.addresses, addresses)) return;
    for (const address of before?.addresses ?? []) this.#release(address, before?.owner);
    if (addresses.length === 0) {
      this.#nodes.delete(name);
      return;
    }
    const owner: Owner = { kind: 'node', node: name };
    this.#nodes.set(name, { owner, addresses });
    for (const address of addresses) this.#claim(address, owner);
  }

  setPod(key: string, pod: Pod | undefined): void {
    const before = this.#pods.get(key);
    if (!pod || pod.addresses.length === 0 || !isPolicyPod(pod)) {
      if (before) this.#removePod(key, before);
      return;
    }
    const wanted = profileKey(pod, this.mentioned);
    const isSame =
      before?.profile.key === wanted &&
      before.pod.node === pod.node &&
      sameAddresses(before.pod.addresses, pod.addresses);
    if (isSame) {
      const isOther = before.pod.isEnding !== pod.isEnding;
      before.pod = pod;
      if (isOther) for (const address of pod.addresses) this.#settleClaims(address);
      return;
    }
    const profile = this.#profile(wanted, pod);
    profile.pods += 1;
    if (before) this.#removePod(key, before);
    const owner: PodOwner = { kind: 'pod', pod, profile };
    this.#pods.set(key, owner);
    for (const address of pod.addresses) this.#claim(address, owner);
  }

  /** Policies mention labels or port names that none did before: pods that have them may have other profiles now. */
  profileAgain(labels: ReadonlySet<string>, ports: ReadonlySet<string>): void {
    for (const [key, { pod }] of this.#pods) {
      const concerned =
        pod.ports.some(({ name, protocol }) => ports.has(`${protocol}:${name}`)) ||
        [...labels].some((label) => Object.hasOwn(pod.labels, label));
      if (concerned) this.setPod(key, pod);
    }
  }

  settle(): void {
    for (const { address } of this.#vacated) this.#held.delete(address.text);
    this.#vacated.clear();
  }

  #removePod(key: string, owner: PodOwner): void {
    this.#pods.delete(key);
    for (const address of owner.pod.addresses) this.#release(address, owner);
    const { profile } = owner;
    profile.pods -= 1;
    if (profile.pods > 0) return;
    this.#profiles.delete(profile.key);
    profile.namespace.profiles.delete(profile);
    profile.namespace.users -= 1;
    this.namespaces.dropIfUnused(profile.namespace);
    this.#listener.unused(profile);
  }

  #profile(key: string, pod: Pod): Profile {
    let profile = this.#profiles.get(key);
    if (!profile) {
      const namespace = this.namespaces.ensure(pod.namespace);
      namespace.users += 1;
      profile = {
        key,
        namespace,
        labels: Object.fromEntries(
          Object.entries(pod.labels).filter(([label]) => this.mentioned.labels.has(label)),
        ),
        ports: namedPorts(pod, this.mentioned),
        predicates: undefined,
        atoms: new Map(),
        pods: 0,
        local: new Map(),
        sets: { ingress: undefined, egress: undefined },
      };
      this.#profiles.set(key, profile);
      this.#listener.fresh(profile);
    }
    return profile;
  }

  #claim(address: Address, owner: Owner): void {
    const held = this.#held.get(address.text);
    if (!held) {
      const fresh: Held = { address, owner, losers: [], atom: undefined };
      this.#held.set(address.text, fresh);
      this.#listener.gained(fresh);
    } else if (this.#vacated.delete(held)) {
      held.owner = owner;
      this.#listener.gained(held);
    } else {
      this.#reassign(held, [held.owner, owner, ...held.losers]);
    }
  }

  #release(address: Address, owner: Owner | undefined): void {
    const held = this.#held.get(address.text);
    if (!held || !owner) return;
    if (held.owner === owner && held.losers.length === 0) {
      this.#listener.losing(held);
      this.#vacated.add(held);
    } else {
      this.#reassign(
        held,
        [held.owner, ...held.losers].filter((claimant) => claimant !== owner),
      );
    }
  }

  #settleClaims({ text }: Address): void {
    const held = this.#held.get(text);
    if (held && held.losers.length > 0) this.#reassign(held, [held.owner, ...held.losers]);
  }

  #reassign(held: Held, claimants: readonly Owner[]): void {
    const [owner, ...losers] = claimants.toSorted(byPrecedence);
    if (!owner) return;
    held.losers = losers;
    if (owner === held.owner) return;
    this.#listener.losing(held);
    held.owner = owner;
    this.#listener.gained(held);
  }
}

/** Pods before nodes. */
function byPrecedence(a: Owner, b: Owner): number {
  if (a.kind === 'pod') return b.kind === 'pod' ? compareClaims(a.pod, b.pod) : -1;
  return b.kind === 'pod' || b.node < a.node ? 1 : -1;
}

function sameAddresses(a: readonly Address[], b: readonly Address[]): boolean {
  return a === b || (a.length === b.length && a.every(({ text }, index) => text === b[index]?.text));
}

function sameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
  );
}
