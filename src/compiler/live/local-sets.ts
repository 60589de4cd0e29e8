/** The sets that one node needs: those of its pods, and spare ones, which pods left behind or are about to have. */
import type { RuleSet, RuleSets } from './rule-sets.ts';

export class LocalSets {
  /** With the number of local profiles that have it. */
  readonly #users = new Map<RuleSet, number>();
  /** Since `changes` was last asked. */
  readonly #touched = new Set<RuleSet>();
  readonly #left = new Set<RuleSet>();
  /** As `changes` told. */
  readonly #told = new Set<RuleSet>();
  /** Those without users, the longest first. */
  readonly #spares = new Set<RuleSet>();

  get hasSpares(): boolean {
    return this.#spares.size > 0;
  }

  retain(set: RuleSet): void {
    this.#users.set(set, (this.#users.get(set) ?? 0) + 1);
    this.#touched.add(set);
  }

  release(set: RuleSet): void {
    const users = (this.#users.get(set) ?? 0) - 1;
    if (users > 0) {
      this.#users.set(set, users);
    } else {
      this.#users.delete(set);
      this.#left.add(set);
    }
    this.#touched.add(set);
  }

  /** A pod is about to have it. */
  prepare(set: RuleSet, ruleSets: Pick<RuleSets, 'hold'>): void {
    if (this.#users.has(set)) return;
    if (!this.#spares.delete(set)) ruleSets.hold(set);
    this.#spares.add(set);
    this.#touched.add(set);
  }

  /** Keeps up to `limit` of those that have lost their last user; before `ruleSets` settles, while they are alive. */
  keepSpares(limit: number, ruleSets: Pick<RuleSets, 'hold' | 'release'>): void {
    for (const set of this.#left) {
      if (this.#users.has(set) || this.#spares.has(set) || !this.#told.has(set)) continue;
      this.#spares.add(set);
      ruleSets.hold(set);
    }
    this.#left.clear();
    for (const set of this.#spares) {
      if (this.#spares.size <= limit && !this.#users.has(set) && !set.isStale) continue;
      this.#spares.delete(set);
      ruleSets.release(set);
      this.#touched.add(set);
    }
  }

  changes(): { readonly fresh: RuleSet[]; readonly gone: RuleSet[] } {
    const [fresh, gone]: [RuleSet[], RuleSet[]] = [[], []];
    for (const set of this.#touched) {
      const isNeeded = this.#users.has(set) || this.#spares.has(set);
      if (isNeeded === this.#told.has(set)) continue;
      if (isNeeded) {
        this.#told.add(set);
        fresh.push(set);
      } else {
        this.#told.delete(set);
        gone.push(set);
      }
    }
    this.#touched.clear();
    return { fresh, gone };
  }
}
