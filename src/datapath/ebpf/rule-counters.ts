/** What each rule has decided, as the programs count it: a part for each processor, which alone writes it. */
import type { RuleId } from '../../compiler/program.ts';
import { processorLimit } from '../../kernel/processors.ts';
import { SharedWindows, windowSize } from '../../kernel/shared-memory.ts';
import type { Counter } from '../datapath.ts';
import { layouts } from './layout.ts';

const { size, packets, bytes } = layouts.counter;
const word = BigUint64Array.BYTES_PER_ELEMENT;

export class RuleCounters {
  readonly #memory: SharedWindows;
  readonly #words: BigUint64Array;
  readonly #rules: number;
  readonly #processors = processorLimit();

  /** `fd`: of the map rule_counters, made for so many rules. Throws SystemCallError. */
  constructor(fd: number, rules: number) {
    const length = this.#processors * rules * size;
    this.#memory = new SharedWindows(fd, length);
    this.#words = new BigUint64Array(this.#memory.buffer, 0, length / word);
    this.#rules = rules;
  }

  /** Of the rules below `limit` that have decided anything. */
  read(limit: number): Map<RuleId, Counter> {
    const counters = new Map<RuleId, Counter>();
    for (let rule = 0; rule < Math.min(limit, this.#rules); rule++) {
      const sum = { packets: 0n, bytes: 0n };
      for (const at of this.#placesOf(rule)) {
        sum.packets += this.#words[at + packets / word] ?? 0n;
        sum.bytes += this.#words[at + bytes / word] ?? 0n;
      }
      if (sum.packets > 0n) counters.set(rule, sum);
    }
    return counters;
  }

  /** Of rules that nothing refers to. */
  clear(rules: readonly RuleId[]): void {
    for (const rule of rules) {
      for (const at of this.#placesOf(rule)) this.#words.fill(0n, at, at + size / word);
    }
  }

  close(): void {
    this.#memory.close();
  }

  /** In words, which may be touched then. */
  #placesOf(rule: RuleId): number[] {
    return Array.from({ length: this.#processors }, (_, processor) => {
      const place = (processor * this.#rules + rule) * size;
      this.#memory.map(Math.floor(place / windowSize));
      return place / word;
    });
  }
}
