import { expect, test } from 'vitest';
import { PacketClock } from '../../src/kernel/packet-clock.ts';

const second = 1_000_000_000n;
const noon = 1_800_000_000n * second;

/** As the kernel writes it: seconds and microseconds, big endian. */
function stamp(wall: bigint): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(wall / second, 0);
  bytes.writeBigUInt64BE((wall % second) / 1000n, 8);
  return bytes;
}

test('the age of a packet by the wall clock is its age by the monotonic one', () => {
  let wall = noon;
  const clock = new PacketClock(() => wall);
  const began = process.hrtime.bigint();
  clock.nothingBefore(began - 3n * second);
  wall = noon + 2n * second;
  const time = clock.monotonic(stamp(noon));
  expect(time).toBeGreaterThanOrEqual(began - 2n * second);
  expect(time).toBeLessThanOrEqual(process.hrtime.bigint() - 2n * second);
});

test.each([
  ['set back', -3600n * second],
  ['set forward', 3600n * second],
])('a packet that was seen since the last look stays so when the wall clock is %s', (_, step) => {
  let wall = noon;
  const clock = new PacketClock(() => wall);
  const looked = process.hrtime.bigint();
  clock.nothingBefore(looked);
  wall += step;
  const time = clock.monotonic(stamp(noon));
  expect(time).toBeGreaterThanOrEqual(looked);
  expect(time).toBeLessThanOrEqual(process.hrtime.bigint());
});

test('without a stamp it is now', () => {
  const before = process.hrtime.bigint();
  expect(new PacketClock().monotonic(undefined)).toBeGreaterThanOrEqual(before);
});
