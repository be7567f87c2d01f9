import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compare } from './peers.js';
import { estimate, mean, median, studentT } from './statistics.js';

function near(actual: number, expected: number, tolerance = 5e-4): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not about ${expected}`);
}

test('studentT matches published tables, for odd and even degrees of freedom', () => {
  // 97.5% one-sided quantiles, NIST/SEMATECH e-Handbook 1.3.6.7.2.
  const table: readonly (readonly [number, number])[] = [
    ...([
      [1, 12.706],
      [2, 4.303],
      [3, 3.182],
      [4, 2.776],
      [5, 2.571],
    ] as const),
    ...([
      [9, 2.262],
      [10, 2.228],
      [30, 2.042],
      [100, 1.984],
    ] as const),
  ];
  for (const [freedom, t] of table) near(studentT(freedom), t);
  near(studentT(4, 0.99), 4.604);
});

test('estimate matches an interval computed by hand', () => {
  // Deviation 1, three values: 4.303 * 1 / sqrt(3).
  const { mean: center, margin, count } = estimate([1, 2, 3]);
  assert.equal([center, count], [2, 3]);
  near(margin ?? 0, 2.4841);
});

test('estimate of a single repetition has no margin', () => {
  assert.equal(estimate([7]), { mean: 7, margin: null, count: 1 });
});

test('median handles odd and even counts, and unsorted values', () => {
  assert.is(median([9, 1, 5]), 5);
  assert.is(median([4, 1, 2, 10]), 3);
});

test('mean, median and estimate reject an empty list', () => {
  assert.throws(() => mean([]), RangeError);
  assert.throws(() => median([]), RangeError);
  assert.throws(() => estimate([]), RangeError);
});

test('compare takes the median of the ratios of pairs, not the ratio of medians', () => {
  const comparison = compare([
    { ours: 20, theirs: 10 },
    { ours: 10, theirs: 5 },
    { ours: 5, theirs: 10 },
  ]);
  assert.equal(comparison, { ours: 10, theirs: 10, ratio: 2, ratioMin: 0.5, ratioMax: 2, pairs: 3 });
});

test('compare rejects figures that are not above 0', () => {
  assert.throws(() => compare([{ ours: 0, theirs: 1 }]), /both figures must be above 0/);
  assert.throws(() => compare([{ ours: 1, theirs: Number.NaN }]), /both figures must be above 0/);
});

test.run();
