/** Pods with their node and addresses. */
import { BulkheadError, failure } from '../errors.ts';
import type { Address, IpFamily } from '../objects/ip.ts';
import type { Cluster, Node, Pod } from '../objects/model.ts';
import { isTerminal } from '../objects/pod.ts';
import type { AddressClaims } from './address-claims.ts';
import { allocateAddress } from './address-pool.ts';
import type { PodDraft } from './controllers.ts';
import { hash } from './hash.ts';

export interface PodContext {
  /** Sorted by name; never empty. */
  readonly nodes: ReadonlyMap<string, Node>;
  readonly families: readonly IpFamily[];
  readonly claims: AddressClaims;
  readonly previous?: Cluster;
}

/** `.0` is the network, `.1` the gateway of the node's pods. */
const reservedAddresses = 2;

interface Place {
  readonly node: string;
  readonly addresses: readonly Address[];
}

/**
 * Sorted by key. Given addresses go first, then those that `previous` had, then new ones.
 * @throws BulkheadError when no node has an address left.
 */
export function makePods(drafts: readonly PodDraft[], context: PodContext): ReadonlyMap<string, Pod> {
  const sorted = drafts.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const nodeNames = [...context.nodes.keys()];
  for (const draft of sorted) {
    for (const address of givenAddresses(draft, context.families)) {
      context.claims.claim(address, { name: `Pod ${draft.key}`, position: draft.position });
    }
  }
  const places = sorted.map((draft) => keepPlace(draft, nodeNames, context));
  return new Map(
    sorted.map((draft, index) => {
      const place = places[index] ?? { node: '', addresses: [] };
      return [draft.key, makePod(draft, completePlace(draft, place, { nodeNames, context }))];
    }),
  );
}

function makePod(draft: PodDraft, { node, addresses }: Place): Pod {
  const { key, namespace, name, labels, hostNetwork, phase, ports, owner, position } = draft;
  const pod = { key, namespace, name, labels, node, addresses, hostNetwork, phase, ports, position };
  return owner ? { ...pod, owner } : pod;
}

/** The node, and the addresses that the manifest gives or that the pod had before, if it has any. */
function keepPlace(draft: PodDraft, nodeNames: readonly string[], context: PodContext): Place {
  const before = context.previous?.pods.get(draft.key);
  const spread = nodeNames[(hash(draft.group) + draft.index) % nodeNames.length] ?? '';
  const keptNode = before && context.nodes.has(before.node) ? before.node : undefined;
  const node = draft.nodeName ?? keptNode ?? spread;
  const given = givenAddresses(draft, context.families);
  if (given.length > 0 || !before || before.hostNetwork || before.node !== node || !needsAddress(draft)) {
    return { node, addresses: given };
  }
  const addresses = before.addresses.filter(
    (address) => context.families.includes(address.family) && context.claims.keep(address),
  );
  return { node, addresses };
}

/** The place with the addresses that it lacks. */
function completePlace(
  draft: PodDraft,
  place: Place,
  { nodeNames, context }: { nodeNames: readonly string[]; context: PodContext },
): Place {
  const { node, addresses } = place;
  if (draft.hostNetwork && !isTerminal(draft.phase)) {
    return { node, addresses: context.nodes.get(node)?.addresses ?? [] };
  }
  const missing = context.families.filter((family) => !addresses.some((known) => known.family === family));
  const isGiven = givenAddresses(draft, context.families).length > 0;
  if (!needsAddress(draft) || isGiven || missing.length === 0) return place;
  const fresh = allocateAll(node, missing, { key: draft.key, context });
  if (fresh) return { node, addresses: [...addresses, ...fresh].toSorted(byFamily) };

  // The node is full. A pod that is free to move (no nodeName, no address yet) goes on to the next one with room.
  const start = nodeNames.indexOf(node) + 1;
  const isFree = draft.nodeName === undefined && addresses.length === 0;
  const others = isFree ? [...nodeNames.slice(start), ...nodeNames.slice(0, start)] : [];
  for (const other of others) {
    const elsewhere = allocateAll(other, missing, { key: draft.key, context });
    if (elsewhere) return { node: other, addresses: elsewhere };
  }
  const where = isFree ? 'any node' : node;
  throw new BulkheadError(
    failure('POD_ADDRESSES_EXHAUSTED', `no address is left for pod ${draft.key} on ${where}`, {
      hint: 'Add nodes, or give them larger podCIDRs.',
      position: draft.position,
    }),
  );
}

/** One address per family from the node's pod ranges, or undefined when one of them is full. */
function allocateAll(
  node: string,
  families: readonly IpFamily[],
  { key, context }: { key: string; context: PodContext },
): Address[] | undefined {
  const addresses: Address[] = [];
  for (const family of families) {
    const prefix = context.nodes.get(node)?.podCIDRs.find((cidr) => cidr.family === family);
    const allocation = prefix && { prefix, reserved: reservedAddresses, claimed: context.claims.taken };
    const address = allocation && allocateAddress(allocation, key);
    if (!address) return undefined;
    addresses.push(address);
  }
  return addresses;
}

function needsAddress(draft: PodDraft): boolean {
  return !draft.hostNetwork && !isTerminal(draft.phase);
}

function givenAddresses(draft: PodDraft, families: readonly IpFamily[]): readonly Address[] {
  return needsAddress(draft) ? draft.addresses.filter(({ family }) => families.includes(family)) : [];
}

function byFamily(a: Address, b: Address): number {
  return a.family - b.family;
}
