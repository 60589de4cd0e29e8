/**
 * Which rule ids the tables refer to. The compiler gives an id to another rule once nobody has used it for a while;
 * its counter must then begin anew.
 */
import type { RuleId } from '../../compiler/program.ts';
import type { Delta } from '../../compiler/tables.ts';

export class RuleUse {
  /** Port rows that name the rule; 0: used once, not now. */
  readonly #rows = new Map<RuleId, number>();

  /** Rules that the delta brings and that have counted for somebody else, or for themselves in an earlier life. */
  returning({ add }: Delta): RuleId[] {
    const rules = new Set(add.ports.map((row) => row.rule));
    return [...rules].filter((rule) => rule !== 0 && this.#rows.get(rule) === 0);
  }

  applied({ add, sweep }: Delta): void {
    for (const { rule } of add.ports) this.#rows.set(rule, (this.#rows.get(rule) ?? 0) + 1);
    for (const { rule } of sweep.ports) this.#rows.set(rule, (this.#rows.get(rule) ?? 0) - 1);
  }

  /** No rule id has been as large. */
  get limit(): number {
    return this.#rows.keys().reduce((most, rule) => Math.max(most, rule + 1), 0);
  }
}
