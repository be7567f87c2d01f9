import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrivals } from './arrivals.js';
import { cross, interleave } from './interleave.js';
import { findOutage, type Request } from './outage.js';
import { formatDuration, progressLine, timeLeftMs } from './progress.js';
import { Ramp } from './ramp.js';

test('arrivals come at their rate, each once, none before its time', () => {
  const arrivals = new Arrivals({ startMs: 100, perSecond: 500, count: 3 });
  assert.is(arrivals.take(99.9), null);
  assert.is(arrivals.take(100), 100);
  assert.is(arrivals.take(101.9), null);
  assert.is(arrivals.take(102), 102);
  assert.not.ok(arrivals.exhausted);
  assert.is(arrivals.take(500), 104);
  assert.ok(arrivals.exhausted);
  assert.is(arrivals.take(500), null);
});

test('after a stall every missed arrival comes with the time at which it was meant', () => {
  const arrivals = new Arrivals({ startMs: 0, perSecond: 1000, count: 5 });
  const intended: (number | null)[] = [];
  for (let i = 0; i < 6; i++) intended.push(arrivals.take(1000));
  assert.equal(intended, [0, 1, 2, 3, 4, null]);
});

test('a rate of nothing is refused', () => {
  for (const perSecond of [0, -1, Number.NaN]) {
    assert.throws(() => new Arrivals({ startMs: 0, perSecond, count: 1 }), RangeError);
  }
});

test('every repetition visits every condition, and who comes first alternates', () => {
  const visits = interleave(['a', 'b', 'c'], 3);
  assert.is(visits.map(({ condition }) => condition).join(''), 'abccbaabc');
  assert.is(visits.map(({ repetition }) => repetition).join(''), '000111222');
});

test('a cross has every pair, the second list changing fastest', () => {
  assert.equal(cross([1, 2], ['x', 'y']), [
    [1, 'x'],
    [1, 'y'],
    [2, 'x'],
    [2, 'y'],
  ]);
});

test('a ramp doubles until two steps in a row bring no more', () => {
  const ramp = new Ramp(512);
  const visited: number[] = [];
  for (const perSecond of [100, 200, 150, 300, 305, 306, 999]) {
    if (ramp.next === null) break;
    visited.push(ramp.next);
    ramp.measured(perSecond);
  }
  assert.equal(visited, [1, 2, 4, 8, 16, 32]);
});

test('a ramp that still rises ends at its bound', () => {
  const ramp = new Ramp(5);
  const visited: number[] = [];
  for (let perSecond = 10; ramp.next !== null; perSecond *= 2) {
    visited.push(ramp.next);
    ramp.measured(perSecond);
  }
  assert.equal(visited, [1, 2, 4]);
});

function request(intendedMs: number, doneMs: number, acknowledged = true): Request {
  return { intendedMs, doneMs, acknowledged };
}

test('an outage lasts from the kill to the first acknowledgement of a request meant after it', () => {
  const requests = [
    request(0, 5),
    request(10, 15),
    // Under way at the kill, and answered long after it: it does not show that new ones are served.
    request(18, 70),
    request(30, 90),
    request(40, 95),
    request(50, 55, false),
  ];
  assert.equal(findOutage(requests, 20), { untilServedMs: 70, silenceMs: 55, failed: 1, longestMs: 60 });
});

test('what failed before the kill is not of its doing', () => {
  assert.is(findOutage([request(0, 5, false), request(30, 40)], 20).failed, 0);
});

test('where nothing is acknowledged any more, an outage has no end', () => {
  assert.equal(findOutage([request(0, 5), request(30, 60, false)], 20), {
    ...{ untilServedMs: null, silenceMs: null, failed: 1, longestMs: 5 },
  });
  assert.is(findOutage([], 20).longestMs, null);
});

test('the progress bar fills, and tells the time left once something is done', () => {
  assert.is(progressLine(0, timeLeftMs(0, 500), 'starting'), `[${' '.repeat(24)}]   0%  starting`);
  const half = progressLine(0.5, timeLeftMs(0.5, 30_000), 'p 0.4');
  assert.is(half, `[${'#'.repeat(12)}${' '.repeat(12)}]  50%  30 s left  p 0.4`);
  assert.match(progressLine(1.2, 0, 'done'), /^\[#{24}\]/);
});

test('durations as people say them', () => {
  assert.equal([400, 45_000, 185_000, 7_800_000].map(formatDuration), [
    '0 s',
    '45 s',
    '3 min 05 s',
    '2 h 10 min',
  ]);
});

test('the bar never leaves its frame', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1, max: 3, noNaN: true }),
      (share) => progressLine(share, null, '').indexOf(']') === 25,
    ),
  );
});

test.run();
