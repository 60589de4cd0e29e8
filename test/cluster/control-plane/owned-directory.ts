/**
 * Folders of light control planes. A folder's name tells the process that it belongs to, so that the next start finds
 * what dead owners left, and ends exactly the processes that are recorded in it.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAllRecorded } from '../process/component.ts';
import { isAlive, ownIdentity } from '../process/identity.ts';

const ownedName = /^owner-(?<pid>\d+)-(?<startTime>\d+)-(?<boot>[0-9a-f-]{36})-[0-9a-f]+$/;

/** Beneath it: one folder for each control plane of this user. */
export function controlPlanesFolder(): string {
  return join(tmpdir(), `bulkhead-control-planes-${process.getuid?.() ?? 0}`);
}

/** A new folder that is swept once this process has ended. */
export function makeOwnedDirectory(): string {
  const { pid, startTime, boot } = ownIdentity();
  return makeDirectory(`owner-${pid}-${startTime}-${boot}-${randomBytes(4).toString('hex')}`);
}

/** A folder that stays until somebody removes it. Throws if there is one of that name. */
export function makeNamedDirectory(name: string): string {
  if (ownedName.test(name)) throw new Error(`${name} can't be the name of a control plane`);
  return makeDirectory(name);
}

/** Ends what runs in the folder, and removes it. */
export async function removeDirectory(directory: string): Promise<void> {
  await killAllRecorded(directory);
  rmSync(directory, { recursive: true, force: true });
}

/** Removes what owners left that have ended. Gives the folders. */
export async function sweepDeadOwners(): Promise<string[]> {
  const parent = controlPlanesFolder();
  const dead = (existsSync(parent) ? readdirSync(parent) : []).filter((name) => {
    const owner = ownedName.exec(name)?.groups;
    if (!owner) return false;
    const { pid = '', startTime = '', boot = '' } = owner;
    return !isAlive({ pid: Number(pid), startTime, boot });
  });
  const directories = dead.map((name) => join(parent, name));
  for (const directory of directories) await removeDirectory(directory);
  return directories;
}

function makeDirectory(name: string): string {
  const parent = controlPlanesFolder();
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const directory = join(parent, name);
  mkdirSync(directory, { mode: 0o700 });
  return directory;
}
