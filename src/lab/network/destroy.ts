/** Removes a lab's network whatever state it is in: works from names alone, needs no state file and no daemon. */
import { rmSync } from 'node:fs';
import { mountsBelow, unmountAll } from '../../kernel/mount.ts';
import { existingLabs, labPaths } from '../paths.ts';
import { labOfNetns } from './names.ts';
import { labNetnsNames, netnsNames, removeNamespaces } from './remove.ts';
import { entries, keepOnlyResolvers } from './resolver-files.ts';
import { withNetworkLock } from './state.ts';

/**
 * Ends the processes that live in the lab's namespaces, removes these, their resolver files and the lab's directory
 * with whatever is mounted in it. End the lab's daemon before: it would go on using what is removed.
 */
export async function destroyLab(lab: string): Promise<void> {
  await withNetworkLock(lab, async () => {
    await removeNamespaces(labNetnsNames(lab));
    keepOnlyResolvers(lab, new Set());
    const { directory } = labPaths(lab);
    for (const mount of mountsBelow(directory)) unmountAll(mount);
    rmSync(directory, { recursive: true, force: true });
  });
}

/** Names of labs that are up or left something behind, sorted. */
export function listLabs(): string[] {
  const traces = [...netnsNames(), ...entries()].flatMap((name) => labOfNetns(name) ?? []);
  return [...new Set([...existingLabs(), ...traces])].toSorted();
}
