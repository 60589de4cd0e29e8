/**
 * Claims of the gate in the run directory, one file each: an agent that comes in place of another knows of pods whose
 * containers run already while the API server does not know their addresses yet. The directory is empty after a reboot,
 * as the node is.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress } from '../../objects/ip.ts';
import type { Claim, ClaimStore } from './claims.ts';

interface Written {
  readonly pod: string;
  readonly uid: string;
  readonly addresses: readonly string[];
  readonly toldThen: readonly string[];
}

export class ClaimFiles implements ClaimStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Oldest first. What is no claim (the rest of a write that was cut short, say) is removed. */
  read(): readonly Claim[] {
    return readdirSync(this.#directory)
      .map((container) => ({ container, written: statSync(this.#path(container), { bigint: true }).mtimeNs }))
      .sort((a, b) => (a.written < b.written ? -1 : 1))
      .flatMap(({ container }) => this.#read(container) ?? []);
  }

  put({ container, pod, uid, addresses, toldThen }: Claim): void {
    const written: Written = { pod, uid, addresses: addresses.map(({ text }) => text), toldThen };
    const path = this.#path(container);
    writeFileSync(`${path}.new`, JSON.stringify(written), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  remove(container: string): void {
    rmSync(this.#path(container), { recursive: true, force: true });
  }

  #read(container: string): Claim | undefined {
    try {
      const { pod, uid, addresses, toldThen } = JSON.parse(
        readFileSync(this.#path(container), 'utf8'),
      ) as Written;
      return {
        container,
        pod,
        uid,
        addresses: addresses.flatMap((text) => parseAddress(text) ?? []),
        toldThen,
      };
    } catch {
      this.remove(container);
      return undefined;
    }
  }

  #path(container: string): string {
    return join(this.#directory, container);
  }
}
