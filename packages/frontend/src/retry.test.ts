import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { TriremeError } from '@trireme/domain';
import { DeadlineTimer } from './deadline-timer.js';
import { AGAIN, LOST, LOST_MAX, NO_RESULT, retryUntil } from './retry.js';

test('what the first attempt gives is the result', async () => {
  const deadline = new DeadlineTimer(1000, 1).open();
  assert.is(await retryUntil(deadline, async () => 5), 5);
});

test('attempts go on until one gives a result', async () => {
  const deadline = new DeadlineTimer(1000, 1).open();
  const tried: number[] = [];
  const result = await retryUntil<number>(deadline, async () => (tried.push(1) < 3 ? AGAIN : 5));
  assert.is(result, 5);
  assert.is(tried.length, 3);
});

test('without a result they end with the deadline, also from within a backoff', async () => {
  // Keeps the process alive while nothing but the deadline is waited for.
  const alive = setInterval(() => undefined, 1000);
  const timer = new DeadlineTimer(40, 2);
  const results = await Promise.all([
    retryUntil(timer.open(), async () => AGAIN),
    retryUntil(timer.open(), async () => AGAIN),
  ]);
  assert.equal(results, [NO_RESULT, NO_RESULT]);
  assert.is(timer.size, 0);
  clearInterval(alive);
});

test('attempts that are lost are few, whatever time is left', async () => {
  const deadline = new DeadlineTimer(60_000, 1).open();
  const tried: number[] = [];
  assert.is(await retryUntil(deadline, async () => (tried.push(1) % 2 === 0 ? AGAIN : LOST)), NO_RESULT);
  assert.is(tried.length, 2 * LOST_MAX - 1);
  assert.is(deadline.expired, false);
});

test('what an attempt throws is thrown on, and no further attempt is made', async () => {
  for (const failing of [1, 2]) {
    const deadline = new DeadlineTimer(1000, 1).open();
    const tried: number[] = [];
    const error = new Error('broken');
    await retryUntil(deadline, async () => {
      if (tried.push(1) === failing) throw error;
      return AGAIN;
    }).then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.is(thrown, error),
    );
    assert.is(tried.length, failing);
  }
});

test('at the bound a request is refused, and one that is closed makes room', () => {
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
