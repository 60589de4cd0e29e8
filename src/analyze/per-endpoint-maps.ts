/**
 * What a design with one policy map per endpoint needs (Cilium's): an identity for every distinct label set in a
 * namespace and for every prefix, and in the map of each endpoint an entry for each identity and port prefix that its
 * policies allow.
 */
import type { ClassId, IdentityId, PortEntry, Program, SetEntry, SetId } from '../compiler/program.ts';
import type { Cluster } from '../objects/model.ts';

export interface EndpointMaps {
  readonly endpoints: number;
  readonly identities: number;
  /** Of all endpoints. */
  readonly entries: number;
  /** In the largest map of one endpoint. */
  readonly largest: number;
}

export function perEndpointMaps(cluster: Cluster, program: Program): EndpointMaps {
  const labelSets = new Map<IdentityId, Set<string>>();
  const all = new Set<string>();
  for (const { identity, owner } of program.addresses.values()) {
    const pod = owner.kind === 'pod' ? cluster.pods.get(owner.pod) : undefined;
    if (!pod) continue;
    const text = JSON.stringify([pod.namespace, Object.entries(pod.labels).sort()]);
    all.add(text);
    labelSets.set(identity, (labelSets.get(identity) ?? new Set()).add(text));
  }
  const counts = new Map([...labelSets].map(([identity, texts]) => [identity, texts.size]));
  for (const { identity } of program.cidrs) {
    counts.set(identity, (counts.get(identity) ?? 0) + 1);
  }
  const sizes = new Map<SetId, number>();
  for (const set of program.sets.values()) sizes.set(set.id, entriesOf(program, set, counts));

  const perPod = new Map<string, number>();
  for (const { owner, ingressSet, egressSet } of program.addresses.values()) {
    if (owner.kind === 'pod')
      perPod.set(owner.pod, (sizes.get(ingressSet) ?? 0) + (sizes.get(egressSet) ?? 0));
  }
  let [entries, largest] = [0, 0];
  for (const size of perPod.values()) {
    entries += size;
    largest = Math.max(largest, size);
  }
  return { endpoints: perPod.size, identities: all.size + program.cidrs.length, entries, largest };
}

/** What is allowed to everybody needs one entry, not one for each identity. */
function entriesOf(program: Program, set: SetEntry, counts: ReadonlyMap<IdentityId, number>): number {
  const fallback = set.classes.get(0);
  const everybody = allowed(program, fallback);
  const more = new Map<ClassId, number>();
  let entries = everybody.length;
  const texts = new Set(everybody.map(textOf));
  for (const [identity, id] of set.classes) {
    if (identity === 0) continue;
    let ports = more.get(id);
    if (ports === undefined) {
      ports = allowed(program, id).filter((entry) => !texts.has(textOf(entry))).length;
      more.set(id, ports);
    }
    entries += ports * (counts.get(identity) ?? 0);
  }
  return entries;
}

function allowed(program: Program, id: ClassId | undefined): readonly PortEntry[] {
  const ports = id === undefined ? [] : (program.classes.get(id)?.ports ?? []);
  return ports.filter(({ allow }) => allow);
}

function textOf({ protocol, port, prefixLength }: PortEntry): string {
  return `${protocol}:${port}/${prefixLength}`;
}
