/** The prefix rows of one node, with what the prefixes around them say, as a delta wants to know. */
import type { Cidr } from '../../objects/ip.ts';
import { PrefixTable } from '../prefix-table.ts';
import type { IdentityId } from '../program.ts';
import type { CidrChange, CidrRow } from '../tables.ts';
import { TrackedRows } from './tracked-rows.ts';

export class CidrRows {
  readonly #rows = new TrackedRows<CidrRow>();
  /** Those that have a row, and those that had one when it was last accepted. */
  readonly #cidrs = new PrefixTable<Cidr>();
  #hasAccepted = false;

  get rows(): ReadonlyMap<string, CidrRow> {
    return this.#rows.rows;
  }

  get isTouched(): boolean {
    return this.#rows.isTouched;
  }

  set(cidr: Cidr, identity: IdentityId): void {
    const known = this.#rows.get(cidr.text);
    if (known?.identity === identity) return;
    this.#rows.set(cidr.text, { cidr, identity });
    if (!known) this.#cidrs.set(cidr, cidr);
  }

  delete(cidr: Cidr): void {
    this.#rows.delete(cidr.text);
    if (!this.#rows.accepted(cidr.text)) this.#cidrs.delete(cidr);
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
    this.#rows.changes((was, is) => {
      if (was && !is) this.#cidrs.delete(was.cidr);
    });
    this.#rows.accept();
    this.#hasAccepted = true;
  }

  #around(cidr: Cidr, find: (key: string) => CidrRow | undefined): IdentityId {
    for (let around = this.#cidrs.cover(cidr); around; around = this.#cidrs.cover(around)) {
      const row = find(around.text);
      if (row) return row.identity;
    }
    return 0;
  }
}
