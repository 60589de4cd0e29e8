/** Bytes → text, refusing what is not text. */
import { failure, type Diagnostic } from '../errors.ts';

/** UTF-8, or UTF-16 where a byte order mark says so; undefined (and reported) where it is neither. */
export function decodeText(file: string, bytes: Uint8Array, diagnostics: Diagnostic[]): string | undefined {
  const utf16 =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : undefined;
  // TextDecoder takes the byte order mark away.
  const text = new TextDecoder(utf16 ?? 'utf-8').decode(bytes);
  const nul = text.indexOf('\0');
  if (nul >= 0) {
    diagnostics.push(
      failure('FILE_BINARY', 'this is a binary file, not a manifest', {
        hint: 'Name manifests only, or a folder (where only .yaml, .yml and .json files are read).',
        position: { file, line: 1, column: 1 },
      }),
    );
    return undefined;
  }
  // The replacement character stands where bytes could not be decoded.
  const broken = text.indexOf('\ufffd');
  if (broken < 0) return text;
  const before = text.slice(0, broken).split('\n');
  diagnostics.push(
    failure('FILE_ENCODING', `bytes that are not ${utf16 ? 'UTF-16' : 'UTF-8'}`, {
      hint: 'Save the file as UTF-8.',
      position: { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 },
    }),
  );
  return undefined;
}
