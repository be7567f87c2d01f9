import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BATCH_DELAY_MS_MAX, BatchDelay } from './batch-delay.js';

test('few orders wait for more after many were logged together, and no longer than their time', () => {
  const batchDelay = new BatchDelay();
  batchDelay.logged(64, 100);
  assert.is(batchDelay.patience(1, 101), BATCH_DELAY_MS_MAX);
  assert.is(batchDelay.patience(31, 102), BATCH_DELAY_MS_MAX - 1, 'counted from the first of them');
  assert.is(batchDelay.patience(32, 102), 0, 'half as many are enough');
  assert.is(batchDelay.patience(31, 104), 0, 'they have waited enough');
  batchDelay.logged(31, 104);
  assert.is(batchDelay.patience(1, 105), BATCH_DELAY_MS_MAX, 'the next ones have a time of their own');
});

test('nothing waits where no large batch was logged of late', () => {
  const batchDelay = new BatchDelay();
  assert.is(batchDelay.patience(1, 0), 0);
  batchDelay.logged(15, 1);
  assert.is(batchDelay.patience(1, 2), 0, 'it was small');
  batchDelay.logged(64, 3);
  assert.is(batchDelay.patience(1, 14), 0, 'it is long ago');
  batchDelay.logged(1, 14);
  assert.is(batchDelay.patience(0, 14), 0);
  batchDelay.logged(64, 15);
  assert.is(batchDelay.patience(0, 15), 0, 'there are no orders to wait');
});

test('whatever comes and whenever it is asked, no order waits longer than its time', () => {
  const step = fc.record({ arrive: fc.nat(40), after: fc.double({ min: 0, max: 4, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const batchDelay = new BatchDelay();
      let now = 0;
      let queued = 0;
      let since = 0;
      for (const { arrive, after } of steps) {
        if (queued === 0) since = now;
        queued += arrive;
        const patience = batchDelay.patience(queued, now);
        assert.ok(
          patience >= 0 && now + patience <= since + BATCH_DELAY_MS_MAX + 1e-9,
          `${now} ${patience} ${since}`,
        );
        if (patience === 0 && queued > 0) {
          batchDelay.logged(queued, now);
          queued = 0;
        }
        now += queued === 0 ? after : Math.min(after, patience);
      }
    }),
  );
});

test.run();
