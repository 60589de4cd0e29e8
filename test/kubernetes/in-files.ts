/** Small things that tests of connections do with files, and with what fails. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { BulkheadError } from '../../src/errors.ts';

/** Gives the path. */
export function write(path: string, text: string): string {
  writeFileSync(path, text);
  return path;
}

export function base64(path: string): string {
  return readFileSync(path).toString('base64');
}

export async function failureOf(action: () => Promise<unknown>): Promise<BulkheadError> {
  const error = await action().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BulkheadError);
  return error;
}
