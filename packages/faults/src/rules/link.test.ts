/** When a piece is due, how it is damaged, and that chance is reproduced. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLEAR, Schedule, flipBit } from './link.js';
import { SeededRandom } from './random.js';

const random = new SeededRandom(7);

test('what comes is due at once on a clear link', () => {
  const schedule = new Schedule();
  assert.is(schedule.dueAt(10, 100, CLEAR, random), 10);
  assert.is(schedule.dueAt(11, 100, CLEAR, random), 11);
});

test('pieces are late by the delay, and never overtake each other', () => {
  const schedule = new Schedule();
  const link = { ...CLEAR, delayMs: 20, jitterMs: 30 };
  let before = 0;
  for (let now = 0; now < 500; now += 5) {
    const due = schedule.dueAt(now, 10, link, random);
    assert.ok(due >= now + 20 && due >= before && due <= Math.max(before, now + 50));
    before = due;
  }
});

test('a rate is kept over pieces that follow each other, and idle time is not saved up', () => {
  const schedule = new Schedule();
  const link = { ...CLEAR, bytesPerSecond: 1_000 };
  assert.equal(
    [0, 0, 500].map((now) => schedule.dueAt(now, 100, link, random)),
    [100, 200, 600],
  );
});

test('a damaged piece differs in one bit, and the piece itself is left alone', () => {
  const bytes = Buffer.from('some bytes');
  const damaged = flipBit(bytes, random);
  assert.is(bytes.toString(), 'some bytes');
  const flipped = [...bytes].reduce(
    (sum, byte, i) => sum + (byte ^ (damaged[i] ?? 0)).toString(2).replaceAll('0', '').length,
    0,
  );
  assert.is(flipped, 1);
});

test('a seed reproduces what is drawn', () => {
  const draw = (seed: number): number[] => {
    const drawn = new SeededRandom(seed);
    return [drawn.next(), drawn.below(10), Number(drawn.chance(0.5))];
  };
  assert.equal(draw(3), draw(3));
  assert.not.equal(draw(3), draw(4));
});

test.run();
