/** The two times of a log entry with correct and wrong clocks. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ORDER_TIME_MS_MAX, decodeBatch, encodeBatch } from '@trireme/domain';
import { LogClock, MemberClocks, type LogTimes } from './log-clock.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Start of the tests, by correct clocks. */
const START = Date.UTC(2026, 0, 1);
const NEW: LogTimes = { age: 0, time: 0 };

test('age counts only time with a leader', () => {
  const first = new LogClock(NEW, 5000);
  assert.is(first.next(5000, START).age, 0);
  assert.is(first.next(5250.7, START + DAY_MS).age, 250);
  const last = first.next(6000, START);
  assert.is(last.age, 1000);
  // No replica leads for some time, and the next leader has another uptime.
  const second = new LogClock(last, 77);
  assert.is(second.next(77, START).age, 1000);
  assert.is(second.next(80, START - DAY_MS).age, 1003);
});

test('time follows a wall clock that advances', () => {
  const clock = new LogClock(NEW, 0);
  assert.is(clock.next(0, START).time, START);
  assert.is(clock.next(10, START + 12.5).time, START + 12);
  assert.is(clock.next(20, START + DAY_MS).time, START + DAY_MS, 'the group had no leader for a day');
});

test('time ahead of the wall clock advances at half speed until they meet', () => {
  const clock = new LogClock({ age: 0, time: START + 1000 }, 0);
  assert.is(clock.next(0, START).time, START + 1000);
  assert.is(clock.next(1000, START + 1000).time, START + 1500);
  assert.is(clock.next(2000, START + 2000).time, START + 2000);
  assert.is(clock.next(3000, START + 3000).time, START + 3000);
});

test('next for any wall clock returns times that the log accepts', () => {
  const wall = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-1, START, ORDER_TIME_MS_MAX + 1, 9e15));
  const steps = fc.array(fc.tuple(fc.double({ min: 0, max: 1e9, noNaN: true }), wall), { minLength: 1 });
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: ORDER_TIME_MS_MAX }), steps, (age, time, all) => {
      let last: LogTimes = { age: Math.floor(age / 2), time };
      let now = 0;
      const clock = new LogClock(last, now);
      for (const [elapsed, reading] of all) {
        now += elapsed;
        const times = clock.next(now, reading);
        assert.ok(times.age >= last.age && times.time >= last.time, 'times never fall');
        const batch = { ...times, commands: [], visibleOrders: 0, seed: null };
        assert.equal(decodeBatch(encodeBatch(batch)), batch);
        last = times;
      }
    }),
  );
});

test('median uses the known clocks, and the lower of two', () => {
  const clocks = new MemberClocks();
  assert.is(clocks.median(START, 0), START, 'alone');
  clocks.setVoters(['1', '2', '3']);
  clocks.onClock('2', START + DAY_MS, 0);
  assert.is(clocks.median(START + 10, 10), START + 10);
  assert.is(clocks.median(START + 2 * DAY_MS, 10), START + DAY_MS + 10);
  clocks.onClock('3', START, 0);
  assert.is(clocks.median(START + 2 * DAY_MS, 20), START + DAY_MS + 20);
  clocks.onClock('2', START + 25, 25);
  assert.is(clocks.median(START + 2 * DAY_MS, 30), START + 30, 'the last report of each clock counts');
  clocks.onClock('3', Number.NaN, 30);
  assert.is(clocks.median(START + 2 * DAY_MS, 30), START + 30, 'NaN is ignored');
});

test('median ignores clocks of members that are not voters', () => {
  const clocks = new MemberClocks();
  clocks.onClock('2', START, 0);
  clocks.onClock('9', START - DAY_MS, 0);
  assert.is(clocks.median(START, 0), START, 'before the group is known, all clocks count');
  clocks.setVoters(['1', '2']);
  clocks.onClock('9', START - DAY_MS, 0);
  assert.is(clocks.median(START + 5, 5), START + 5);
  clocks.setVoters(['1']);
  assert.is(clocks.median(START + DAY_MS, 5), START + DAY_MS);
});

/** One of three wall clocks, as a function of the true time. */
type Clock = (now: number) => number;
const correct =
  (skew: number): Clock =>
  (now) =>
    START + now + skew;

test('with one wrong clock of three, time is never ahead of a correct clock and never falls, for any leader', () => {
  const wrongReading = fc.oneof(
    fc.integer({ min: -400, max: 400 }).map((days) => days * DAY_MS),
    fc.double(),
  );
  const event = fc.record({
    elapsed: fc.nat(100_000),
    /** The leader from then on; null for no change. */
    leader: fc.option(fc.nat(2), { nil: null, freq: 3 }),
    /** Error of the wrong clock from then on. */
    error: wrongReading,
    /** The clock that the leader does not know, if any; it always knows those of a majority. */
    missing: fc.option(fc.nat(2), { nil: null, freq: 2 }),
  });
  fc.assert(
    fc.property(fc.nat(2), fc.array(event, { maxLength: 40 }), fc.nat(50), (wrong, events, skew) => {
      let now = 0;
      let error = 0;
      const wallOf = (id: number): number =>
        id === wrong ? START + now + error : correct(id === (wrong + 1) % 3 ? skew : -skew)(now);
      let leader = 0;
      let last = NEW;
      let clock = new LogClock(last, now);
      for (const next of events) {
        now += next.elapsed;
        error = next.error;
        if (next.leader !== null) {
          leader = next.leader;
          clock = new LogClock(last, now);
        }
        const clocks = new MemberClocks();
        clocks.setVoters(['0', '1', '2']);
        for (const id of [0, 1, 2]) {
          if (id !== leader && id !== next.missing) clocks.onClock(String(id), wallOf(id), now);
        }
        const times = clock.next(now, clocks.median(wallOf(leader), now));
        assert.ok(times.time >= last.time && times.age >= last.age, 'times never fall');
        assert.ok(
          times.time <= START + now + skew,
          `ahead of both correct clocks by ${times.time - START - now} ms`,
        );
        assert.ok(times.age <= now, 'age does not exceed the elapsed time');
        const knowsAll = next.missing === null || next.missing === leader;
        if (knowsAll)
          assert.ok(times.time >= START + now - skew - 1, 'not behind, if all three clocks are known');
        last = times;
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
