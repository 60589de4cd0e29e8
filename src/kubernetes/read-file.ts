/** Files that hold certificates and tokens, read anew for each use: whoever rotates them replaces the file. */
import { readFile } from 'node:fs/promises';
import { BulkheadError, failure } from '../errors.ts';

/** The text of the file; `what` is for people: `the service account's token`. */
export async function readCredentialFile(path: string, what: string): Promise<string> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    if (text !== '') return text;
  } catch (error) {
    throw new BulkheadError(
      failure('KUBERNETES_CREDENTIALS', `${what} cannot be read from ${path}: ${systemCode(error)}`, {
        hint: 'Check that the file is there and that this user may read it.',
      }),
      { cause: error },
    );
  }
  throw new BulkheadError(
    failure('KUBERNETES_CREDENTIALS', `${what} is empty: ${path}`, {
      hint: 'Whoever writes the file has not written it yet, or failed.',
    }),
  );
}

/** `ENOENT` and the like. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
