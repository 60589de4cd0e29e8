import { InvalidArgumentError, Option } from 'commander';

/** `500ms`, `30s`, `5m`, `1h`, as Go prints durations; milliseconds. */
export function durationOption(flags: string, description: string, value: string): Option {
  return new Option(flags, description).default(parseDuration(value), value).argParser(parseDuration);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A timer of Node.js that is told more than 2³¹ ms, 24.8 days, fires at once, and again and again. */
const longestMs = 576 * 3_600_000;

function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Number(count) * (unitMs[unit] ?? Number.NaN);
  if (!(milliseconds > 0)) throw new InvalidArgumentError('Write 500ms, 30s, 5m or 1h.');
  if (milliseconds > longestMs) throw new InvalidArgumentError('It may be at most 24 days: 576h.');
  return milliseconds;
}
