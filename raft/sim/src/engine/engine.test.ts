/** Scheduler, random numbers, scopes and clocks. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SimClock } from './clock.js';
import { Random } from './random.js';
import { MS, SECOND, Scheduler, drainContinuations } from './scheduler.js';
import { ProcessScope } from './scope.js';

function runAll(scheduler: Scheduler, until: number): void {
  while (scheduler.step(until));
}

test('scheduler: runs events in order of time, then in the order in which they were scheduled', () => {
  const scheduler = new Scheduler();
  const random = new Random(3);
  const expected: { at: number; order: number }[] = [];
  const happened: { at: number; order: number }[] = [];
  for (let order = 0; order < 500; order += 1) {
    const at = random.below(50);
    expected.push({ at, order });
    scheduler.after(at, () => happened.push({ at: scheduler.now, order }));
  }
  runAll(scheduler, 100);
  assert.equal(
    happened,
    expected.sort((a, b) => a.at - b.at || a.order - b.order),
  );
  assert.is(scheduler.now, 100);
  assert.is(scheduler.executed, 500);
});

test('scheduler: an event may schedule others; none runs after the end', () => {
  const scheduler = new Scheduler();
  const happened: number[] = [];
  scheduler.after(5, () => scheduler.after(0, () => happened.push(scheduler.now)));
  scheduler.after(11, () => happened.push(-1));
  runAll(scheduler, 10);
  assert.equal(happened, [5]);
});

test('continuationsDone: waits for chains of continuations of any length', async () => {
  await drainContinuations();
  await drainContinuations();
  let links = 0;
  const chain = async (): Promise<void> => {
    for (let link = 0; link < 50; link += 1) {
      await Promise.resolve();
      links += 1;
    }
  };
  void chain();
  await drainContinuations();
  assert.is(links, 50);
});

test('random: equal seeds give equal numbers, which are uniform', () => {
  const draw = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 1_000 }, () => random.next());
  };
  assert.equal(draw(1), draw(1));
  assert.not.equal(draw(1), draw(2));
  const mean = draw(1).reduce((sum, value) => sum + value, 0) / 1_000;
  assert.ok(mean > 0.45 && mean < 0.55, `mean ${mean}`);
  const random = new Random(5);
  assert.equal(random.shuffled([1, 2, 3]).sort(), [1, 2, 3]);
  assert.throws(() => random.pick([]), /cannot pick from an empty list/);
});

test('scope: a paused instance continues later in order, a dead one never', () => {
  const scheduler = new Scheduler();
  const happened: string[] = [];
  const scope = new ProcessScope(scheduler, () => undefined);
  scope.after(1, () => happened.push('a'));
  scope.after(2, () => happened.push('b'));
  scope.pause();
  runAll(scheduler, 10);
  assert.equal(happened, []);
  scope.resume();
  runAll(scheduler, 100);
  assert.equal(happened, ['a', 'b']);
  scope.after(1, () => happened.push('c'));
  scope.kill();
  runAll(scheduler, 200);
  assert.equal(happened, ['a', 'b']);
});

/** Number of ticks in one second of a timer with a period of 10 ms. */
function ticks(
  disturb: (clock: SimClock, scope: ProcessScope, rate: { slowdown: number }, scheduler: Scheduler) => void,
): number {
  const scheduler = new Scheduler();
  const scope = new ProcessScope(scheduler, () => undefined);
  const rate = { slowdown: 1 };
  const clock = new SimClock(scope, rate, new Random(1));
  let count = 0;
  const stop = clock.every(10, () => (count += 1));
  disturb(clock, scope, rate, scheduler);
  runAll(scheduler, SECOND);
  const before = count;
  stop();
  clock.jump(50);
  runAll(scheduler, 2 * SECOND);
  assert.is(count, before, 'a stopped timer does not fire');
  return count;
}

test('clock: ticks, drifts and jumps ahead; does not catch up after a pause', () => {
  assert.is(
    ticks(() => undefined),
    100,
  );
  assert.is(
    ticks((_clock, _scope, rate) => (rate.slowdown = 2)),
    50,
  );
  assert.is(
    ticks((clock) => clock.jump(200)),
    120,
  );
  const late = ticks((_clock, scope, _rate, scheduler) => {
    scope.pause();
    scheduler.after(500 * MS, () => scope.resume());
  });
  assert.is(late, 51, 'one late tick, then one every 10 ms');
});

test.run();
