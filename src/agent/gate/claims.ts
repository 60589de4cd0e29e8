/**
 * Which addresses the pods of this node have, by the word of the API server and of the gate. The gate knows first: the
 * kubelet writes a pod's addresses into its status only when its containers are about to run or already do. So:
 *
 * - What the gate said of a pod counts until the API server says something else than it did at that time. Then the API
 *   server's word counts, and nothing is left of the gate's.
 * - An address is that of the last pod that the gate gave it to, as long as this has it: what another pod's status still
 *   says of it is old.
 */
import type { Address } from '../../objects/ip.ts';
import type { Pod } from '../../objects/model.ts';
import { isPolicyPod } from '../../policy/holder.ts';

export interface Claim {
  /** Id of the sandbox. */
  readonly container: string;
  /** Key and uid of the pod. The uid alone would not do: of a static pod it is an annotation, which anyone can write. */
  readonly pod: string;
  readonly uid: string;
  readonly addresses: readonly Address[];
  /** What the API server said of the pod when this was new, or later of the same addresses. */
  readonly toldThen: readonly string[];
}

export type PodChanges = ReadonlyMap<string, Pod | undefined>;

/** Claims outlive the agent, with whoever keeps them. */
export interface ClaimStore {
  put(claim: Claim): void;
  remove(container: string): void;
}

export class Claims {
  readonly #node: string;
  readonly #store: ClaimStore;
  /** By key of the pod. */
  readonly #claims = new Map<string, Claim>();
  /** Address → key of the pod that the gate gave it to last. */
  readonly #holders = new Map<string, string>();
  /** The node's pods as the API server has them, by key. */
  readonly #told = new Map<string, Pod>();

  /** `kept`: oldest first. */
  constructor(node: string, store: ClaimStore, kept: readonly Claim[] = []) {
    this.#node = node;
    this.#store = store;
    for (const claim of kept) this.#hold(claim);
  }

  /** Whether the API server has told of this very pod. */
  knows({ pod, uid }: Pick<Claim, 'pod' | 'uid'>): boolean {
    return this.#told.get(pod)?.uid === uid;
  }

  /** What the API server says; gives what counts. `isAll`: what is not among them is gone. */
  told(changes: PodChanges, isAll: boolean): PodChanges {
    for (const [key, pod] of changes) {
      if (pod?.node === this.#node && pod.uid !== undefined) this.#told.set(key, pod);
      else this.#told.delete(key);
      this.#compare(key, pod);
    }
    if (isAll) for (const key of this.#claims.keys()) if (!this.#told.has(key)) this.#drop(key);
    return new Map([...changes].map(([key, pod]) => [key, pod && this.#inForce(pod)]));
  }

  /** The gate says that the pod, which must be known, has these addresses; gives the pods that are others now. */
  claim(claim: Omit<Claim, 'toldThen'>): PodChanges {
    const pod = this.#told.get(claim.pod);
    if (pod?.uid !== claim.uid) throw new Error(`no pod of this node is ${claim.pod} with uid ${claim.uid}`);
    const texts = new Set(textsOf(claim.addresses));
    const overlaps = (addresses: readonly Address[]) => addresses.some(({ text }) => texts.has(text));
    const before = this.#claims.get(claim.pod);
    const isAgain = before?.container === claim.container;
    const whole = { ...claim, toldThen: isAgain ? before.toldThen : textsOf(pod.addresses) };
    this.#store.put(whole);
    const rivals = this.#claims.values().filter((one) => one !== before && overlaps(one.addresses));
    const others = new Set(rivals.map((one) => one.pod));
    for (const rival of others) this.#drop(rival);
    this.#hold(whole);
    for (const { key, addresses } of this.#told.values()) if (overlaps(addresses)) others.add(key);
    return this.#changed([claim.pod, ...others]);
  }

  /** Whether these addresses count as the pod's. */
  holds({ pod, uid, addresses }: Pick<Claim, 'pod' | 'uid' | 'addresses'>): boolean {
    const told = this.#told.get(pod);
    if (told?.uid !== uid) return false;
    const inForce = new Set(textsOf(this.#inForce(told).addresses));
    return addresses.every(({ text }) => inForce.has(text));
  }

  /** The sandboxes are gone; gives the pods that are others now. */
  release(isGone: (container: string) => boolean): PodChanges {
    const released = [...this.#claims.values()].filter(({ container }) => isGone(container));
    for (const { pod } of released) this.#drop(pod);
    return this.#changed(released.map(({ pod }) => pod));
  }

  #changed(keys: Iterable<string>): PodChanges {
    const changed = new Map<string, Pod>();
    for (const key of keys) {
      const pod = this.#told.get(key);
      if (pod) changed.set(key, this.#inForce(pod));
    }
    return changed;
  }

  #inForce(pod: Pod): Pod {
    if (!this.#told.has(pod.key) || !isPolicyPod(pod)) return pod;
    const addresses = this.#claims.get(pod.key)?.addresses ?? pod.addresses;
    const own = addresses.filter(({ text }) => (this.#holders.get(text) ?? pod.key) === pod.key);
    return { ...pod, addresses: own };
  }

  /** Takes note of what the API server says of a pod that has a claim. */
  #compare(key: string, pod: Pod | undefined): void {
    const claim = this.#claims.get(key);
    if (!claim) return;
    if (this.#told.get(key)?.uid !== claim.uid) {
      this.#drop(key);
      return;
    }
    const told = textsOf(pod?.addresses ?? []);
    if (told.length === 0) return;
    if (sameTexts(told, textsOf(claim.addresses))) this.#claims.set(key, { ...claim, toldThen: told });
    else if (!sameTexts(told, claim.toldThen)) this.#drop(key);
  }

  #hold(claim: Claim): void {
    this.#drop(claim.pod, claim.container);
    this.#claims.set(claim.pod, claim);
    for (const { text } of claim.addresses) this.#holders.set(text, claim.pod);
  }

  /** `unless`: the record of this container stays. */
  #drop(pod: string, unless?: string): void {
    const claim = this.#claims.get(pod);
    if (!claim) return;
    this.#claims.delete(pod);
    if (claim.container !== unless) this.#store.remove(claim.container);
    for (const { text } of claim.addresses) {
      if (this.#holders.get(text) === pod) this.#holders.delete(text);
    }
  }
}

function textsOf(addresses: readonly Address[]): readonly string[] {
  return addresses.map(({ text }) => text);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text) => b.includes(text));
}
