/** What a fuzzer throws cases at. */
import type * as fc from 'fast-check';

export interface Target<Case> {
  /** Of its folder in the corpus. */
  readonly name: string;
  readonly arbitrary: fc.Arbitrary<Case>;
  /** Why it can't be run here; undefined: it can. */
  readonly missing?: string | undefined;
  /** How a case is kept in the corpus, for people to read. */
  readonly file: {
    readonly extension: string;
    print(one: Case): string | Uint8Array;
    parse(content: Buffer): Case;
  };
  open(): Session<Case>;
}

/** Everything that cases of one run are tried on. */
export interface Session<Case> {
  /** Throws if a property does not hold. */
  attempt(one: Case): void;
  /** What was tried so far, to tell a fuzzer that finds nothing from one that tries nothing. */
  tally(): Readonly<Record<string, number>>;
  close(): void;
}

/** Counts by name, in the order in which the names first came. */
export class Tally {
  readonly counts: Record<string, number> = {};

  count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }
}
