import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { TriremeError } from '@trireme/domain';
import { DeadlineTimer } from './deadline-timer.js';
import { RETRY, LOST, LOST_ATTEMPTS_MAX, NO_RESULT, retryUntilDeadline } from './retry.js';

test('retryUntilDeadline returns the result of the first attempt', async () => {
  const deadline = new DeadlineTimer(1000, 1).open();
  assert.is(await retryUntilDeadline(deadline, async () => 5), 5);
});

test('retryUntilDeadline makes attempts until one gives a result', async () => {
  const deadline = new DeadlineTimer(1000, 1).open();
  const attempts: number[] = [];
  const result = await retryUntilDeadline<number>(deadline, async () => (attempts.push(1) < 3 ? RETRY : 5));
  assert.is(result, 5);
  assert.is(attempts.length, 3);
});

test('retryUntilDeadline returns NO_RESULT at the deadline, even during a backoff', async () => {
  // Keeps the process alive: the timer of the deadline is unreferenced.
  const alive = setInterval(() => undefined, 1000);
  const timer = new DeadlineTimer(40, 2);
  const results = await Promise.all([
    retryUntilDeadline(timer.open(), async () => RETRY),
    retryUntilDeadline(timer.open(), async () => RETRY),
  ]);
  assert.equal(results, [NO_RESULT, NO_RESULT]);
  assert.is(timer.size, 0);
  clearInterval(alive);
});

test('retryUntilDeadline gives up after LOST_MAX lost attempts, long before the deadline', async () => {
  const deadline = new DeadlineTimer(60_000, 1).open();
  const attempts: number[] = [];
  assert.is(
    await retryUntilDeadline(deadline, async () => (attempts.push(1) % 2 === 0 ? RETRY : LOST)),
    NO_RESULT,
  );
  assert.is(attempts.length, 2 * LOST_ATTEMPTS_MAX - 1);
  assert.is(deadline.isExpired, false);
});

test('retryUntilDeadline rethrows the error of an attempt and makes no further attempt', async () => {
  for (const failing of [1, 2]) {
    const deadline = new DeadlineTimer(1000, 1).open();
    const attempts: number[] = [];
    const error = new Error('broken');
    await retryUntilDeadline(deadline, async () => {
      if (attempts.push(1) === failing) throw error;
      return RETRY;
    }).then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.is(thrown, error),
    );
    assert.is(attempts.length, failing);
  }
});

test('DeadlineTimer.open throws UNAVAILABLE at the bound until a deadline is closed', () => {
  const timer = new DeadlineTimer(1000, 1);
  const deadline = timer.open();
  assert.throws(
    () => timer.open(),
    (error: unknown) => error instanceof TriremeError && error.status === 'UNAVAILABLE',
  );
  timer.close(deadline);
  timer.open();
});

test.run();
