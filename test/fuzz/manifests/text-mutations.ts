/** Files that were cut off, joined, stored in another encoding, or edited by somebody who slipped. */
import { choose } from './choice.ts';
import type { Choices } from './choice.ts';
import { hostileTexts } from './hostile.ts';

export function mutateBytes(bytes: Buffer, { what, at, other, value }: Choices): Buffer {
  const from = at % (bytes.length + 1);
  const length = 1 + (other % 40);
  const [before, rest] = [bytes.subarray(0, from), bytes.subarray(from)];
  const byte = value & 0xff;
  switch (what % 6) {
    case 0:
      return Buffer.concat([before, Buffer.of(byte), rest.subarray(1)]);
    case 1:
      return Buffer.concat([before, rest.subarray(length)]);
    case 2:
      return Buffer.concat([before, rest.subarray(0, length), rest]);
    case 3:
      return Buffer.concat([before, Buffer.alloc(length, byte), rest]);
    case 4:
      return Buffer.from(before);
    default:
      return asUtf16(bytes.toString('utf8'), value % 2 === 0);
  }
}

function asUtf16(text: string, isBigEndian: boolean): Buffer {
  const marked = Buffer.from(`\ufeff${text}`, 'utf16le');
  return isBigEndian ? marked.swap16() : marked;
}

const token = /[\w./-]+|\n|[ \t]+|[^\w\s]/g;

export function mutateTokens(text: string, { what, at, other, value }: Choices): string {
  const tokens: readonly string[] = text.match(token) ?? [''];
  const [here, there] = [at % tokens.length, other % tokens.length];
  const hostile = choose(hostileTexts, value) ?? '';
  switch (what % 5) {
    case 0:
      return tokens.with(here, hostile).join('');
    case 1:
      return tokens.toSpliced(here, 0, hostile).join('');
    case 2:
      return tokens.toSpliced(here, 1 + (value % 5)).join('');
    case 3:
      return tokens
        .with(here, tokens[there] ?? '')
        .with(there, tokens[here] ?? '')
        .join('');
    default:
      return tokens.toSpliced(here, 0, ...tokens.slice(there, there + 1 + (value % 30))).join('');
  }
}
