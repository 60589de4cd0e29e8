import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { WallTime } from '../../src/observe/wall-time.ts';

const epoch = 1_700_000_000_000;
/** Both clocks after so many microseconds: the system's tells whole milliseconds only. */
const after = (microseconds: number, setBy = 0) => ({
  wall: epoch + Math.floor(microseconds / 1000) + setBy,
  monotonic: BigInt(microseconds) * 1000n,
});

test('events are in the order in which they happened, and within a millisecond of the clock', () => {
  const step = fc.tuple(fc.integer({ min: 1, max: 2500 }), fc.integer({ min: 0, max: 5000 }));
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 50 }), (steps) => {
      const wallTime = new WallTime();
      let [happened, read, last] = [0, 0, 0];
      for (const [apart, later] of steps) {
        happened += apart;
        read = Math.max(read, happened + later);
        const time = wallTime.of({ time: after(happened).monotonic }, after(read));
        expect(time).toBeGreaterThanOrEqual(last);
        expect(Math.abs(time - (epoch + happened / 1000))).toBeLessThanOrEqual(1.001);
        last = time;
      }
    }),
  );
});

test('a clock that is set counts from then on, back as well as forward', () => {
  const wallTime = new WallTime();
  for (const setBy of [0, 3_600_000, -3_600_000]) {
    const now = after(5000, setBy);
    expect(wallTime.of({ time: now.monotonic }, now)).toBeCloseTo(epoch + 5 + setBy, 0);
  }
});

test('an event is as old as its own clock says', () => {
  const now = after(9_000_000);
  expect(new WallTime().of({ time: after(2_000_000).monotonic }, now)).toBeCloseTo(epoch + 2000, 0);
});
