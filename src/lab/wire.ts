/**
 * Newline-delimited JSON that carries the data of this program unchanged: bigint as `{"$bigint": "12"}`, Map as
 * `{"$map": [[key, value], …]}`. No label, name or field of Kubernetes can begin with `$`, so the two never collide
 * with data.
 */
import type { Readable } from 'node:stream';

/** A message that grows beyond this many characters is refused; manifests of 10,000 objects stay far below. */
export const maximumLine = 256 * 1024 * 1024;

export function encodeLine(value: unknown): string {
  return `${JSON.stringify(value, replace)}\n`;
}

export function decodeLine(line: string): unknown {
  const value: unknown = JSON.parse(line, revive);
  return value;
}

/** Calls back once per line, in order. Throws (out of the stream's `data` event) on a line that is too long. */
export function onLines(stream: Readable, onLine: (line: string) => void): void {
  let parts: string[] = [];
  let length = 0;
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      parts.push(chunk.slice(start, end));
      const line = parts.join('');
      parts = [];
      length = 0;
      start = end + 1;
      onLine(line);
    }
    parts.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > maximumLine) stream.destroy(new Error('message too long'));
  });
}

function replace(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: value.toString() };
  if (value instanceof Map) return { $map: [...value] };
  return value;
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$bigint' in value && typeof value.$bigint === 'string') return BigInt(value.$bigint);
  if ('$map' in value && Array.isArray(value.$map)) return new Map(value.$map as [unknown, unknown][]);
  return value;
}
