/**
 * What a design with a chain and address sets per policy needs (kube-router's): for each policy and direction a set of
 * its subjects, for each rule a set of its peer pods and one of its peer prefixes, a rule of the packet filter for each
 * such set and port, and in a chain of each pod a jump to every policy that selects it.
 */
import { PodIndex } from '../compiler/pod-index.ts';
import { profilePods } from '../compiler/profiles.ts';
import type { Profile } from '../compiler/profiles.ts';
import type { Cluster } from '../objects/model.ts';
import type { Policy, Rule } from '../policy/ir.ts';

export interface PolicySets {
  readonly sets: number;
  /** Addresses and prefixes in all sets. */
  readonly members: number;
  readonly rules: number;
}

/** An address set of subjects or of peers. */
type SetNumber = number;

export function perPolicySets(cluster: Cluster, policies: readonly Policy[]): PolicySets {
  const selecting = new PodIndex<SetNumber>();
  /** By set: how many chains of pods jump there. */
  const jumps: number[] = [];
  let [members, rules, sets] = [0, 0, 0];
  const addRule = ({ peers, ports }: Rule) => {
    const filters = ports === 'any' ? 1 : ports.length;
    if (peers === 'any') {
      rules += filters;
      return;
    }
    const pods = peers.filter((peer) => peer.kind === 'pods');
    const blocks = peers.filter((peer) => peer.kind === 'ipBlock');
    if (pods.length > 0) {
      for (const peer of pods) selecting.add(peer, sets);
      jumps[sets++] = 0;
      rules += filters;
    }
    if (blocks.length > 0) {
      members += blocks.reduce((sum, { except }) => sum + 1 + except.length, 0);
      sets += 1;
      rules += filters;
    }
  };
  for (const { subject, ...sections } of policies) {
    for (const section of [sections.ingress, sections.egress]) {
      if (!section) continue;
      selecting.add(subject, sets);
      jumps[sets++] = 1;
      section.rules.forEach(addRule);
    }
  }
  for (const [{ namespace, namespaceLabels, labels }, count] of countPods(cluster, policies)) {
    for (const number of new Set(selecting.find(namespace, namespaceLabels, labels))) {
      members += count;
      rules += count * (jumps[number] ?? 0);
    }
  }
  return { sets, members, rules };
}

function countPods(cluster: Cluster, policies: readonly Policy[]): ReadonlyMap<Profile, number> {
  const counts = new Map<Profile, number>();
  for (const { profile } of profilePods(cluster, policies)) {
    counts.set(profile, (counts.get(profile) ?? 0) + 1);
  }
  return counts;
}
