/** The prefix rows of one node, with what the prefixes around them say, as a delta wants to know. */
import { makeCidr } from '../../objects/ip.ts';
import type { Cidr, IpFamily } from '../../objects/ip.ts';
import type { CidrChange, CidrRow } from '../tables.ts';
import { TrackedRows } from './tracked-rows.ts';

export class CidrRows {
  readonly #rows = new TrackedRows<CidrRow>();
  /** Of all rows that ever were, longest first. */
  readonly #lengths: Record<IpFamily, readonly number[]> = { 4: [], 6: [] };
  #hasAccepted = false;

  get rows(): ReadonlyMap<string, CidrRow> {
    return this.#rows.rows;
  }

  get isTouched(): boolean {
    return this.#rows.isTouched;
  }

  set(row: CidrRow): void {
    const { family, prefixLength, text } = row.cidr;
    if (this.#rows.get(text)?.identity === row.identity) return;
    this.#rows.set(text, row);
    const lengths = this.#lengths[family];
    if (!lengths.includes(prefixLength)) {
      this.#lengths[family] = [...lengths, prefixLength].sort((a, b) => b - a);
    }
  }

  delete(cidr: Cidr): void {
    this.#rows.delete(cidr.text);
  }

  changes(): CidrChange[] {
    const staged: CidrChange[] = [];
    const now = (key: string) => this.#rows.get(key);
    const before = (key: string) => this.#rows.accepted(key);
    this.#rows.changes((was, is) => {
      const cidr = (is ?? was)?.cidr;
      if (!cidr || was?.identity === is?.identity) return;
      const from = was?.identity ?? (this.#hasAccepted ? this.#around(cidr, before) : 0);
      const to = is?.identity ?? this.#around(cidr, now);
      staged.push({ cidr, from, to, isNew: !was, isGone: !is });
    });
    return staged;
  }

  accept(): void {
    this.#rows.accept();
    this.#hasAccepted = true;
  }

  #around({ family, bits, prefixLength }: Cidr, find: (key: string) => CidrRow | undefined): number {
    for (const length of this.#lengths[family]) {
      if (length >= prefixLength) continue;
      const row = find(makeCidr(family, bits, length).text);
      if (row) return row.identity;
    }
    return 0;
  }
}
