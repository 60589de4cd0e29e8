import { expect, test } from 'vitest';
import { LogLimit } from '../../src/agent/log-limit.ts';

test('a flood of lines becomes a few, and the next says how many were left out', () => {
  const lines: string[] = [];
  let now = 0;
  const limit = new LogLimit({
    logger: { log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`) },
    burst: 3,
    perSecond: 2,
    now: () => now,
  });
  for (let line = 0; line < 100; line++) limit.log('warn', `line ${line}`);
  expect(lines).toEqual(['warn line 0 {}', 'warn line 1 {}', 'warn line 2 {}']);
  now = 500;
  limit.log('error', 'later', { object: 'x' });
  expect(lines.at(-1)).toBe('error later {"object":"x","leftOut":97}');
  limit.log('error', 'too soon');
  now = 10_000;
  for (let line = 0; line < 5; line++) limit.log('info', 'again');
  expect(lines.slice(4)).toEqual(['info again {"leftOut":1}', 'info again {}', 'info again {}']);
});
