/** Due times and corruption of pieces on a link, and reproducible random numbers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_FAULTS, DeliverySchedule, flipBit } from './link-conditions.js';
import { SeededRandom } from '@trireme/client';

const random = new SeededRandom(7);

test('dueAt on a clear link is now', () => {
  const schedule = new DeliverySchedule();
  assert.is(schedule.dueAt(10, 100, NO_FAULTS, random), 10);
  assert.is(schedule.dueAt(11, 100, NO_FAULTS, random), 11);
});

test('dueAt adds delay and jitter, and keeps the order of pieces', () => {
  const schedule = new DeliverySchedule();
  const link = { ...NO_FAULTS, delayMs: 20, jitterMs: 30 };
  let before = 0;
  for (let now = 0; now < 500; now += 5) {
    const due = schedule.dueAt(now, 10, link, random);
    assert.ok(due >= now + 20 && due >= before && due <= Math.max(before, now + 50));
    before = due;
  }
});

test('dueAt limits the rate of consecutive pieces, without credit for idle time', () => {
  const schedule = new DeliverySchedule();
  const link = { ...NO_FAULTS, bytesPerSecond: 1_000 };
  assert.equal(
    [0, 0, 500].map((now) => schedule.dueAt(now, 100, link, random)),
    [100, 200, 600],
  );
});

test('flipBit returns a copy that differs in one bit', () => {
  const bytes = Buffer.from('some bytes');
  const damaged = flipBit(bytes, random);
  assert.is(bytes.toString(), 'some bytes');
  const flipped = [...bytes].reduce(
    (sum, byte, i) => sum + (byte ^ (damaged[i] ?? 0)).toString(2).replaceAll('0', '').length,
    0,
  );
  assert.is(flipped, 1);
});

test('random numbers of the same seed are equal', () => {
  const draw = (seed: number): number[] => {
    const drawn = new SeededRandom(seed);
    return [drawn.next(), drawn.below(10), Number(drawn.chance(0.5))];
  };
  assert.equal(draw(3), draw(3));
  assert.not.equal(draw(3), draw(4));
});

test.run();
