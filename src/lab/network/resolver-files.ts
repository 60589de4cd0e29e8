/** /etc/netns/NAME/resolv.conf: what `ip netns exec NAME` shows as /etc/resolv.conf. */
import { mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { labPrefix } from './names.ts';

const directory = '/etc/netns';

/** Empty text: no file. */
export function writeResolver(netns: string, text: string): void {
  if (text === '') return;
  mkdirSync(`${directory}/${netns}`, { recursive: true });
  writeFileSync(`${directory}/${netns}/resolv.conf`, text);
}

/** Removes what the lab has for namespaces other than these, and the directory itself when it is empty then. */
export function keepOnlyResolvers(lab: string, wanted: ReadonlySet<string>): void {
  const names = entries();
  for (const name of names) {
    if (name.startsWith(labPrefix(lab)) && !wanted.has(name))
      rmSync(`${directory}/${name}`, { recursive: true });
  }
  try {
    if (wanted.size === 0 && names.length > 0) rmdirSync(directory);
  } catch (error) {
    // Other labs, or the user, have files there; or another lab that went away at the same time was quicker.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}

/** Names of namespaces that have files. */
export function entries(): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
