/** Where a lab keeps its state on this machine. Everything is gone after a reboot, and after `lab down`. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { BulkheadError, failure } from '../errors.ts';

const labsDirectory = '/run/bulkhead/labs';

export interface LabPaths {
  readonly directory: string;
  /** Unix socket of the daemon, mode 0600. */
  readonly socket: string;
  /** flock(2)ed by the daemon as long as it lives. */
  readonly lock: string;
  readonly log: string;
  /** Mount point of the lab's own BPF file system; a directory per node holds its programs and maps. */
  readonly pins: string;
}

/** Names also become parts of names of network namespaces and of paths: short, and nothing that needs quoting. */
const validName = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** Throws BulkheadError LAB_NAME_INVALID. */
export function labPaths(lab: string): LabPaths {
  if (!validName.test(lab)) {
    throw new BulkheadError(
      failure('LAB_NAME_INVALID', `"${lab}" can't be the name of a lab`, {
        hint: 'Use up to 32 lower-case letters, digits and hyphens, with a letter or digit at both ends.',
      }),
    );
  }
  const directory = `${labsDirectory}/${lab}`;
  return {
    directory,
    socket: `${directory}/daemon.sock`,
    lock: `${directory}/lock`,
    log: `${directory}/daemon.log`,
    pins: `${directory}/bpf`,
  };
}

/** Only root may enter: names and addresses of a cluster are nobody else's business. */
export function makeLabDirectory(lab: string): LabPaths {
  const paths = labPaths(lab);
  mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
  return paths;
}

/** Labs that are up, or that a dead daemon left behind. */
export function existingLabs(): string[] {
  return existsSync(labsDirectory) ? readdirSync(labsDirectory).toSorted() : [];
}
