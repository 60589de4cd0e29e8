import { InvalidArgumentError, Option } from 'commander';

/** `500ms`, `30s`, `5m`, `1h`, as Go prints durations; milliseconds. */
export function durationOption(flags: string, description: string, value: string): Option {
  return new Option(flags, description).default(parseDuration(value), value).argParser(parseDuration);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Number(count) * (unitMs[unit] ?? Number.NaN);
  if (!(milliseconds > 0)) throw new InvalidArgumentError('Write 500ms, 30s, 5m or 1h.');
  return milliseconds;
}
