import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lruHitRate, ZipfSampler, zipfProbabilities } from './zipf.js';

/** A Lehmer random number generator, good enough for frequency counts. */
function lehmer(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

test('zipfProbabilities with skew 1 are proportional to 1, 1/2 and 1/3', () => {
  const [first = 0, second = 0, third = 0] = zipfProbabilities(3, 1);
  assert.ok(Math.abs(first - 6 / 11) < 1e-12);
  assert.ok(Math.abs(second - 3 / 11) < 1e-12);
  assert.ok(Math.abs(third - 2 / 11) < 1e-12);
});

test('zipfProbabilities with skew 0 are equal', () => {
  assert.equal(zipfProbabilities(4, 0), [0.25, 0.25, 0.25, 0.25]);
});

test('zipfProbabilities reject a number of items below 1 or fractional', () => {
  assert.throws(() => zipfProbabilities(0, 1), RangeError);
  assert.throws(() => zipfProbabilities(1.5, 1), RangeError);
});

test('ZipfSampler draws ranks with their probabilities', () => {
  const choice = new ZipfSampler(50, 1, lehmer(7));
  const counts = new Array<number>(50).fill(0);
  const draws = 100_000;
  for (let i = 0; i < draws; i++) {
    const rank = choice.next();
    counts[rank] = (counts[rank] ?? 0) + 1;
  }
  zipfProbabilities(50, 1).forEach((probability, rank) => {
    const expected = probability * draws;
    const off = Math.abs((counts[rank] ?? 0) - expected);
    assert.ok(off < 5 * Math.sqrt(expected), `rank ${rank}: ${counts[rank]} instead of ${expected}`);
  });
});

test('ZipfSampler maps every random number to a rank, from the first to the last', () => {
  assert.is(new ZipfSampler(10, 1, () => 0).next(), 0);
  assert.is(new ZipfSampler(10, 1, () => 1 - 2 ** -53).next(), 9);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (items, random) => {
        const rank = new ZipfSampler(items, 1, () => random).next();
        return Number.isInteger(rank) && rank >= 0 && rank < items;
      },
    ),
  );
});

test('lruHitRate predicts the hit rate of a simulated LRU cache', () => {
  const [stocks, capacity, draws] = [100, 20, 60_000];
  const choice = new ZipfSampler(stocks, 1, lehmer(3));
  const cache = new Set<number>();
  let hits = 0;
  for (let i = 0; i < draws; i++) {
    const rank = choice.next();
    if (cache.delete(rank)) hits += 1;
    cache.add(rank);
    const [oldest] = cache;
    if (cache.size > capacity && oldest !== undefined) cache.delete(oldest);
  }
  const predicted = lruHitRate(zipfProbabilities(stocks, 1), capacity);
  assert.ok(Math.abs(hits / draws - predicted) < 0.01, `${hits / draws} instead of ${predicted}`);
});

test('lruHitRate is 1 for a cache of all items, and 0 for an empty one', () => {
  assert.is(lruHitRate(zipfProbabilities(10, 1), 10), 1);
  assert.ok(lruHitRate(zipfProbabilities(10, 1), 0) < 1e-6);
});

test.run();
