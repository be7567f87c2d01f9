/** Gaps and errors around a fault. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { measureTrials, percentile } from './failover.js';
import { create, read, trade } from './testing/histories.js';

const span = { beforeMs: 100, afterMs: 1_000 };

test('the longest gap and the errors around each fault are found, and nothing beyond', () => {
  const history = [
    create(1, 'a', [10, 20], 1),
    create(1, 'b', [480, 490], 2),
    create(1, 'c', [495, 560], 3),
    trade(2, 'AAPL', [500, 570], 1, 'failed'),
    read(3, 'AAPL', [510, null], 1),
    create(1, 'd', [600, 610], 'insufficient'),
    create(1, 'e', [3_000, 3_010], 4),
  ];
  assert.equal(measureTrials(history, [500], span), [{ gapMs: 70, beganMs: -10, errors: 2 }]);
});

test('a fault after which nothing was acknowledged has a gap as long as its span', () => {
  assert.equal(measureTrials([create(1, 'a', [480, 490], 1)], [500], span), [
    { gapMs: 1_100, beganMs: -100, errors: 0 },
  ]);
});

test('percentiles are values that came', () => {
  const values = [5, 1, 4, 2, 3];
  assert.equal(
    [0, 0.5, 0.99, 1].map((share) => percentile(values, share)),
    [1, 3, 5, 5],
  );
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test.run();
