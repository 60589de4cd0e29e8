/**
 * Identities that the rules of all pods everywhere tell apart are often the same to the pods of one node: whoever
 * gets the same class from each of a node's sets can share one identity there, and thus its rows.
 */
import type { ClassId, IdentityId, SetEntry } from './program.ts';

/** Identities that are the same so far. */
type Group = object;

/**
 * Each identity that gets something of its own from some of the sets → the smallest of those that get the same. All
 * others are as good as identity 0. Partition refinement: each set divides the groups that the sets before it left.
 */
export function mergeIdentities(sets: Iterable<SetEntry>): ReadonlyMap<IdentityId, IdentityId> {
  const groups = new Map<IdentityId, Group>();
  for (const { classes } of sets) {
    const parts = new Map<Group | undefined, Map<ClassId, Group>>();
    for (const [identity, id] of classes) {
      if (identity === 0) continue;
      const whole = groups.get(identity);
      let byClass = parts.get(whole);
      if (!byClass) parts.set(whole, (byClass = new Map()));
      let part = byClass.get(id);
      if (!part) byClass.set(id, (part = {}));
      groups.set(identity, part);
    }
  }
  const smallest = new Map<Group, IdentityId>();
  for (const [identity, group] of groups) {
    const known = smallest.get(group);
    if (known === undefined || identity < known) smallest.set(group, identity);
  }
  return new Map([...groups].map(([identity, group]) => [identity, smallest.get(group) ?? identity]));
}
