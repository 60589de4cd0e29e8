/** Notices when somebody else has changed or removed tables of ours: compares them with how they were. */
import { listNftTable } from './nft.ts';
import { NftablesTable } from './nftables-table.ts';

export class NftWatch {
  readonly #netns: string;
  readonly #before: ReadonlyMap<string, string | undefined>;
  readonly #tables: readonly NftablesTable[];

  /** `inet name` of tables that are there already. */
  constructor(netns: string, tables: readonly string[]) {
    this.#netns = netns;
    this.#before = new Map(tables.map((table) => [table, this.#read(table)]));
    this.#tables = tables.map((table) => new NftablesTable(netns, table.slice('inet '.length)));
  }

  /** Asks the kernel directly, in microseconds. */
  areThere(): boolean {
    return this.#tables.every((table) => table.exists());
  }

  close(): void {
    for (const table of this.#tables) table.close();
  }

  changes(): { readonly table: string; readonly isGone: boolean }[] {
    return [...this.#before].flatMap(([table, before]) => {
      const now = this.#read(table);
      return now !== undefined && now === before ? [] : [{ table, isGone: now === undefined }];
    });
  }

  /** Counters come and go with rules, and which of two versions of a chain is in force is no difference. */
  #read(table: string): string | undefined {
    const text = listNftTable(this.#netns, table);
    return text?.replaceAll(/\n\tcounter [^{]*\{[^}]*\}\n/g, '').replaceAll(/\b(\w+[46])-[01]\b/g, '$1');
  }
}
