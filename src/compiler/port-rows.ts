/** The rows of one class, made once. */
import { anyProtocol } from './program.ts';
import type { ClassEntry } from './program.ts';
import type { PortRow } from './tables.ts';

/** With their keys. */
export type Rows<T> = readonly (readonly [key: string, row: T])[];

export interface PortRows {
  readonly rows: Rows<PortRow>;
  /** See ClassRow. */
  readonly lengths: number;
}

const known = new WeakMap<ClassEntry, PortRows>();

/** Bit of ClassRow.lengths. */
const anyProtocolBit = 31;

export function portRows(entry: ClassEntry): PortRows {
  let made = known.get(entry);
  if (!made) {
    const rows = entry.ports.map((port): [string, PortRow] => [
      `${entry.id}:${port.protocol}:${port.port}/${port.prefixLength}`,
      { class: entry.id, ...port },
    ]);
    known.set(entry, (made = { rows, lengths: lengthsOf(entry) }));
  }
  return made;
}

/** Unsigned, 32 bits. */
function lengthsOf({ ports }: ClassEntry): number {
  const bits = ports.map(({ protocol, prefixLength }) =>
    protocol === anyProtocol ? anyProtocolBit : prefixLength,
  );
  return bits.reduce((mask, bit) => mask | (1 << bit), 0) >>> 0;
}
