/** Gaps and errors around a fault. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { measureTrials, percentile } from './failover.js';
import { filterByName } from './filter-by-name.js';
import { create, read, trade } from './testing/histories.js';

const span = { beforeMs: 20, withMs: 100, afterMs: 300 };

test('measureTrials finds the longest gaps and the errors around each fault', () => {
  const history = [
    create(1, 'a', [10, 20], 1),
    create(1, 'b', [480, 490], 2),
    create(1, 'c', [495, 560], 3),
    trade(2, 'AAPL', [500, 570], 1, 'failed'),
    read(3, 'AAPL', [510, null], 1),
    read(4, 'AAPL', [485, 530], 1),
    read(4, 'AAPL', [535, 640], 1),
    read(4, 'AAPL', [645, 780], 1),
    create(1, 'd', [600, 610], 'insufficient'),
    create(1, 'e', [615, 720], 4),
    create(1, 'f', [725, 760], 5),
    create(1, 'g', [3_000, 3_010], 6),
  ];
  // Order gaps: from 490 to 560 with the fault; from 610 to 720, which began later.
  const stalls = [
    { fromMs: 400, toMs: 500 },
    { fromMs: 550, toMs: 580 },
    { fromMs: 620, toMs: 700 },
  ];
  // Look-up gaps: from 530 to 640 with the fault; from 640 to 780, which began later.
  const lookups = { lookupGapMs: 110, lookupStalledMs: 30 + 20 };
  const found = { gapMs: 70, beganMs: -10, laterMs: 110, ...lookups, errors: 2 };
  assert.equal(measureTrials(history, [500], span, stalls), [{ ...found, stalledMs: 20 }]);
});

const silent = (lookupGapMs: number): object => ({ lookupGapMs, lookupStalledMs: 0 });

test('measureTrials extends a gap to the end of the span if no order is acknowledged after the fault', () => {
  const history = [create(1, 'a', [480, 485], 1), create(1, 'b', [480, 490], 2)];
  assert.equal(measureTrials(history, [500], span, []), [
    { gapMs: 310, beganMs: -10, stalledMs: 0, laterMs: 0, ...silent(320), errors: 0 },
  ]);
  assert.equal(measureTrials([], [500], span, []), [
    { gapMs: 320, beganMs: -20, stalledMs: 0, laterMs: 0, ...silent(320), errors: 0 },
  ]);
});

test('named matches names that contain any of the words, ignoring case; without words it matches all', () => {
  const all = [{ name: 'crash (SIGKILL)' }, { name: 'a silent cut' }, { name: 'pause' }];
  const found = (words: readonly string[]): string[] => filterByName(all, words).map(({ name }) => name);
  assert.equal(found(['sigkill', 'Silent']), ['crash (SIGKILL)', 'a silent cut']);
  assert.equal(found([]).length, 3);
  assert.equal(found(['flood']), []);
});

test('percentile returns one of the values', () => {
  const values = [5, 1, 4, 2, 3];
  assert.equal(
    [0, 0.5, 0.99, 1].map((share) => percentile(values, share)),
    [1, 3, 5, 5],
  );
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test.run();
