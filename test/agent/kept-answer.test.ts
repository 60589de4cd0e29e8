import { expect, test } from 'vitest';
import { keptAnswer } from '../../src/agent/kept-answer.ts';

test('however often somebody asks, an answer is made once in its time', () => {
  let [made, time] = [0, 0];
  const answer = keptAnswer(() => (made += 1), { ageMs: 1000, now: () => time });
  const asked = Array.from({ length: 3000 }, () => {
    time += 1;
    return answer();
  });
  expect(asked.at(-1)).toBe(3);
  expect(asked.indexOf(2)).toBe(1000);
});

test('what could not be made is tried with the next question', () => {
  let fails = true;
  const answer = keptAnswer(
    () => {
      if (fails) throw new Error('no tables');
      return 'page';
    },
    { ageMs: 1000, now: () => 0 },
  );
  expect(answer).toThrow('no tables');
  fails = false;
  expect(answer()).toBe('page');
});
