/** The port tables of classes: made once per list of matched rules, interned by what they say. */
import { Interner } from './interner.ts';
import { portTable } from './port-table.ts';
import type { MatchedTier } from './port-table.ts';
import type { ClassEntry, PortEntry } from './program.ts';

interface PortTable {
  readonly ports: readonly PortEntry[];
  /** Equal text ⇔ equal entries. */
  readonly text: string;
}

export class ClassEntries {
  readonly #tables = new Interner<PortTable>();
  readonly #entries = new Interner<ClassEntry>();

  startRound(): void {
    this.#tables.startRound();
    this.#entries.startRound();
  }

  /** `key`: equal only for equal rules. */
  intern(key: string, rules: () => readonly MatchedTier[]): ClassEntry {
    const { ports, text } = this.#tables.intern(key, () => {
      const made = portTable(rules());
      return { ports: made, text: describePorts(made) };
    });
    return this.#entries.intern(text, (id) => ({ id, ports }));
  }
}

/** Equal text ⇔ equal entries. */
export function describePorts(ports: readonly PortEntry[]): string {
  const texts = ports.map(
    ({ protocol, port, prefixLength, allow, rule }) =>
      `${protocol}:${port}/${prefixLength}=${allow ? '+' : '-'}${rule}`,
  );
  return texts.join(' ');
}
