/** Small dense numbers for the rules that there are, given again once two updates in a row have done without them. */
import type { Origin } from '../../policy/ir.ts';
import type { RuleId } from '../program.ts';
import { ruleKey } from '../sections.ts';

export class RuleIds {
  readonly #ids = new Map<string, RuleId>();
  readonly #origins = new Map<RuleId, Origin>();
  /** Given up in this update, and in the one before. */
  #resting = new Map<string, RuleId>();
  #rested = new Map<string, RuleId>();
  /** Descending, so that pop() gives the smallest. */
  #free: RuleId[] = [];
  #next = 1;

  get origins(): ReadonlyMap<RuleId, Origin> {
    return this.#origins;
  }

  startUpdate(): void {
    if (this.#rested.size > 0) this.#free = [...this.#free, ...this.#rested.values()].sort((a, b) => b - a);
    this.#rested = this.#resting;
    this.#resting = new Map();
  }

  /** By ruleKey. */
  get(key: string): RuleId | undefined {
    return this.#ids.get(key);
  }

  /** Numbers the rule, or tells where it is now. */
  add(origin: Origin): void {
    const key = ruleKey(origin);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#resting.get(key) ?? this.#rested.get(key) ?? this.#free.pop() ?? this.#next++;
      this.#resting.delete(key);
      this.#rested.delete(key);
      this.#ids.set(key, id);
    }
    this.#origins.set(id, origin);
  }

  remove(origin: Origin): void {
    const key = ruleKey(origin);
    const id = this.#ids.get(key);
    if (id === undefined) return;
    this.#ids.delete(key);
    this.#origins.delete(id);
    this.#resting.set(key, id);
  }
}
