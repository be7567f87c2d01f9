import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crossProduct, interleave } from './interleave.js';
import { findOutage, type TimedRequest } from './outage.js';
import { formatDuration, progressLine, timeLeftMs } from './progress.js';
import { Ramp } from './ramp.js';

test('interleave visits every condition per repetition, in alternating direction', () => {
  const visits = interleave(['a', 'b', 'c'], 3);
  assert.is(visits.map(({ condition }) => condition).join(''), 'abccbaabc');
  assert.is(visits.map(({ repetition }) => repetition).join(''), '000111222');
});

test('cross returns every pair; the second list varies fastest', () => {
  assert.equal(crossProduct([1, 2], ['x', 'y']), [
    [1, 'x'],
    [1, 'y'],
    [2, 'x'],
    [2, 'y'],
  ]);
});

test('ramp doubles until two consecutive steps bring no rise', () => {
  const ramp = new Ramp(512);
  const visited: number[] = [];
  for (const perSecond of [100, 200, 150, 300, 305, 306, 999]) {
    if (ramp.nextConnections === null) break;
    visited.push(ramp.nextConnections);
    ramp.recordThroughput(perSecond);
  }
  assert.equal(visited, [1, 2, 4, 8, 16, 32]);
});

test('ramp with rising throughput ends at its maximum', () => {
  const ramp = new Ramp(5);
  const visited: number[] = [];
  for (let perSecond = 10; ramp.nextConnections !== null; perSecond *= 2) {
    visited.push(ramp.nextConnections);
    ramp.recordThroughput(perSecond);
  }
  assert.equal(visited, [1, 2, 4]);
});

function request(intendedMs: number, doneMs: number, acknowledged = true): TimedRequest {
  return { intendedMs, doneMs, acknowledged };
}

test('findOutage measures from the kill to the first acknowledgement of a request that starts after it', () => {
  const requests = [
    request(0, 5),
    request(10, 15),
    // In flight at the kill: its late answer does not end the outage, as it is not a new request.
    request(18, 70),
    request(30, 90),
    request(40, 95),
    request(50, 55, false),
  ];
  assert.equal(findOutage(requests, 20), { untilServedMs: 70, silenceMs: 55, failed: 1, longestMs: 60 });
});

test('findOutage ignores failures before the kill', () => {
  assert.is(findOutage([request(0, 5, false), request(30, 40)], 20).failed, 0);
});

test('findOutage returns null for an outage that does not end', () => {
  assert.equal(findOutage([request(0, 5), request(30, 60, false)], 20), {
    untilServedMs: null,
    silenceMs: null,
    failed: 1,
    longestMs: 5,
  });
  assert.is(findOutage([], 20).longestMs, null);
});

test('progressLine shows the share done, and the time left once it is known', () => {
  assert.is(progressLine(0, timeLeftMs(0, 500), 'starting'), `[${' '.repeat(24)}]   0%  starting`);
  const half = progressLine(0.5, timeLeftMs(0.5, 30_000), 'p 0.4');
  assert.is(half, `[${'#'.repeat(12)}${' '.repeat(12)}]  50%  30 s left  p 0.4`);
  assert.match(progressLine(1.2, 0, 'done'), /^\[#{24}\]/);
});

test('formatDuration uses seconds, minutes and hours', () => {
  assert.equal([400, 45_000, 185_000, 7_800_000].map(formatDuration), [
    '0 s',
    '45 s',
    '3 min 05 s',
    '2 h 10 min',
  ]);
});

test('progressLine has a bar of constant width for any share', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1, max: 3, noNaN: true }),
      (share) => progressLine(share, null, '').indexOf(']') === 25,
    ),
  );
});

test.run();
