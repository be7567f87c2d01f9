import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BATCH_DELAY_MS_MAX, BatchDelay } from './batch-delay.js';

test('few orders after a large batch wait for more, but not longer than the limit', () => {
  const batchDelay = new BatchDelay();
  batchDelay.onBatchLogged(64, 100);
  assert.is(batchDelay.remainingMs(1, 101), BATCH_DELAY_MS_MAX);
  assert.is(batchDelay.remainingMs(31, 102), BATCH_DELAY_MS_MAX - 1, 'counted from the first order');
  assert.is(batchDelay.remainingMs(32, 102), 0, 'half of the large batch is enough');
  assert.is(batchDelay.remainingMs(31, 104), 0, 'they waited for the maximum delay');
  batchDelay.onBatchLogged(31, 104);
  assert.is(batchDelay.remainingMs(1, 105), BATCH_DELAY_MS_MAX, 'the delay starts again for the next orders');
});

test('nothing waits without a recent large batch', () => {
  const batchDelay = new BatchDelay();
  assert.is(batchDelay.remainingMs(1, 0), 0);
  batchDelay.onBatchLogged(15, 1);
  assert.is(batchDelay.remainingMs(1, 2), 0, 'the batch was small');
  batchDelay.onBatchLogged(64, 3);
  assert.is(batchDelay.remainingMs(1, 14), 0, 'the batch is too old');
  batchDelay.onBatchLogged(1, 14);
  assert.is(batchDelay.remainingMs(0, 14), 0);
  batchDelay.onBatchLogged(64, 15);
  assert.is(batchDelay.remainingMs(0, 15), 0, 'there are no orders to wait');
});

test('for random arrivals and times no order waits longer than the limit', () => {
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
        const delayMs = batchDelay.remainingMs(queued, now);
        assert.ok(
          delayMs >= 0 && now + delayMs <= since + BATCH_DELAY_MS_MAX + 1e-9,
          `${now} ${delayMs} ${since}`,
        );
        if (delayMs === 0 && queued > 0) {
          batchDelay.onBatchLogged(queued, now);
          queued = 0;
        }
        now += queued === 0 ? after : Math.min(after, delayMs);
      }
    }),
  );
});

test.run();
