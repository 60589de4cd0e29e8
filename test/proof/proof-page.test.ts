import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { proofPages, withProof } from './proof-page.ts';

test.each(proofPages)(
  '%s says what is proven (else run scripts/node.sh scripts/proof-page.ts)',
  async (path) => {
    expect(readFileSync(path, 'utf8')).toBe(await withProof(path));
  },
);
