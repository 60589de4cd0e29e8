import { InvalidArgumentError, Option } from 'commander';

/** `512Ki`, `256Mi`, `1Gi`, as Kubernetes writes quantities of memory; bytes. */
export function sizeOption(flags: string, description: string, value: string): Option {
  return new Option(flags, description).default(parseSize(value), value).argParser(parseSize);
}

const unitBytes: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** What one map of the kernel, and one array of ours, can have. */
const mostBytes = 2 ** 31;

function parseSize(text: string): number {
  const [, count, unit = ''] = /^(\d+)(Ki|Mi|Gi)$/.exec(text) ?? [];
  const bytes = Number(count) * (unitBytes[unit] ?? Number.NaN);
  if (!(bytes > 0)) throw new InvalidArgumentError('Write 512Ki, 256Mi or 1Gi.');
  if (bytes > mostBytes) throw new InvalidArgumentError('It may be at most 2Gi.');
  return bytes;
}
