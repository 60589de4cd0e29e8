import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultCapacity } from '../../src/datapath/nftables/capacity.ts';
import { createNetns, deleteNetns } from '../../src/kernel/netns.ts';
import { NftWatch } from '../../src/kernel/nft-watch.ts';
import { listNftTable, loadNft } from '../../src/kernel/nft.ts';

describe.skipIf(process.getuid?.() !== 0)('[root] tables as nft lists them', () => {
  const directory = mkdtempSync(`${tmpdir()}/bulkhead-nft-`);
  const netns = `${directory}/one`;

  beforeAll(() => createNetns(netns));
  afterAll(() => {
    deleteNetns(netns);
    rmSync(directory, { recursive: true });
  });

  test('one with a counter for each rule that there is room for is there, and unchanged', () => {
    const counters = Array.from(
      { length: defaultCapacity.rules },
      (_, index) => `counter rule-${index} { }\n`,
    );
    loadNft(netns, `table inet full {\n${counters.join('')}}`);
    const watch = new NftWatch(netns, ['inet full', 'inet none']);
    expect(watch.changes()).toEqual([{ table: 'inet none', isGone: true }]);
    loadNft(netns, 'add chain inet full other');
    expect(watch.changes()).toContainEqual({ table: 'inet full', isGone: false });
    watch.close();
  });

  test('one that does not exist is told from an nft that can not be asked', () => {
    expect(listNftTable(netns, 'inet none')).toBeUndefined();
    const { PATH } = process.env;
    process.env['PATH'] = directory;
    try {
      expect(() => listNftTable(netns, 'inet none')).toThrow(/nft could not list inet none/);
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});
