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

interface Placed {
  readonly draft: PodDraft;
  readonly node: string;
  /** What the manifest gives, or what it had before. */
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
  const placed = sorted.map((draft) => place(draft, nodeNames, context));
  return new Map(placed.map((item) => [item.draft.key, finish(item, nodeNames, context)]));
}

function place(draft: PodDraft, nodeNames: readonly string[], context: PodContext): Placed {
  const before = context.previous?.pods.get(draft.key);
  const spread = nodeNames[(hash(draft.group) + draft.index) % nodeNames.length] ?? '';
  const keptNode = before && context.nodes.has(before.node) ? before.node : undefined;
  const node = draft.nodeName ?? keptNode ?? spread;
  const given = givenAddresses(draft, context.families);
  if (given.length > 0 || !before || before.hostNetwork || before.node !== node || !needsAddress(draft)) {
    return { draft, node, addresses: given };
  }
  const addresses = before.addresses.filter(
    (address) => context.families.includes(address.family) && context.claims.keep(address),
  );
  return { draft, node, addresses };
}

function finish({ draft, node, addresses }: Placed, nodeNames: readonly string[], context: PodContext): Pod {
  const { key, namespace, name, labels, hostNetwork, phase, ports, owner, position } = draft;
  const pod = {
    key,
    namespace,
    name,
    labels,
    hostNetwork,
    phase,
    ports,
    position,
    ...(owner ? { owner } : {}),
  };
  if (isTerminal(phase)) return { ...pod, node, addresses: [] };
  if (hostNetwork) return { ...pod, node, addresses: context.nodes.get(node)?.addresses ?? [] };
  const isGiven = draft.addresses.length > 0 && addresses.length > 0;
  const missing = context.families.filter(
    (family) => !addresses.some((address) => address.family === family),
  );
  if (isGiven || missing.length === 0) return { ...pod, node, addresses };

  // A pod that is free to move (no nodeName, no address yet) goes on to the next node when this one is full.
  const isFree = draft.nodeName === undefined && addresses.length === 0;
  const start = nodeNames.indexOf(node);
  const candidates = isFree ? [...nodeNames.slice(start), ...nodeNames.slice(0, start)] : [node];
  for (const candidate of candidates) {
    const fresh = allocateAll(candidate, missing, { key, context });
    if (fresh) return { ...pod, node: candidate, addresses: [...addresses, ...fresh].toSorted(byFamily) };
  }
  throw new BulkheadError(
    failure('POD_ADDRESSES_EXHAUSTED', `no address is left for pod ${key} on ${candidates.join(', ')}`, {
      hint: 'Add nodes, or give them larger podCIDRs.',
      position,
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
