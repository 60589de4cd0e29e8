import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('the picture in the README is what the command draws today', () => {
  const command = ['src/cli/main.ts', 'matrix', '-o', 'svg', 'examples/shop'];
  const drawn = execFileSync(process.execPath, command, { encoding: 'utf8' });
  // To renew it: bin/bulkhead matrix -o svg examples/shop > docs/images/shop-matrix.svg
  expect(readFileSync('docs/images/shop-matrix.svg', 'utf8')).toBe(drawn);
});
