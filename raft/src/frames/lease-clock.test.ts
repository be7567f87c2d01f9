/**
 * The lease clock with a monotonic clock that stops while the machine is suspended, and a wall clock that may
 * jump.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LeaseClock } from './lease-clock.js';

class Machine {
  monotonic = 1000;
  wall = Date.UTC(2026, 0, 1);
  readonly clock = new LeaseClock(
    () => this.monotonic,
    () => Math.floor(this.wall),
  );

  run(ms: number): void {
    this.monotonic += ms;
    this.wall += ms;
  }
}

test('now counts the time for which the machine was suspended', () => {
  const machine = new Machine();
  const before = machine.clock.now();
  machine.run(100);
  assert.is(machine.clock.now() - before, 100);
  machine.wall += 5000;
  assert.is(machine.clock.now() - before, 5100);
  machine.run(10);
  assert.is(machine.clock.now() - before, 5110);
});

test('skippedMs returns the time that only the wall clock has counted', () => {
  const machine = new Machine();
  machine.run(100);
  machine.clock.now();
  assert.is(machine.clock.skippedMs, 0);
  machine.wall += 5000;
  machine.clock.now();
  assert.is(machine.clock.skippedMs, 5000);
});

test('now ignores a wall clock that is set back, and counts a suspension after it', () => {
  const machine = new Machine();
  const before = machine.clock.now();
  machine.wall -= 3_600_000;
  machine.run(50);
  assert.is(machine.clock.now() - before, 50);
  machine.wall += 400;
  assert.is(machine.clock.now() - before, 450);
});

test('now keeps the pace of the monotonic clock, however often it reads the millisecond wall clock', () => {
  const machine = new Machine();
  const before = machine.clock.now();
  for (let i = 0; i < 100_000; i += 1) {
    machine.run(0.013);
    machine.clock.now();
  }
  assert.ok(Math.abs(machine.clock.now() - before - 1300) < 2);
});

test('property: now never advances less than the monotonic clock, or than a wall clock that is not set back', () => {
  const step = fc.record({
    ran: fc.double({ min: 0, max: 1000, noNaN: true }),
    suspended: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })),
    setBack: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(10_000_000) }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const machine = new Machine();
      let last = machine.clock.now();
      let anchor = { at: last, wall: machine.wall, monotonic: machine.monotonic };
      for (const { ran, suspended, setBack } of steps) {
        if (setBack > 0) {
          machine.wall -= setBack;
          anchor = { at: machine.clock.now(), wall: machine.wall, monotonic: machine.monotonic };
        }
        machine.run(ran);
        machine.wall += suspended;
        const now = machine.clock.now();
        assert.ok(now >= last, 'now never decreases');
        assert.ok(now - anchor.at >= machine.monotonic - anchor.monotonic - 0.01);
        assert.ok(now - anchor.at > machine.wall - anchor.wall - 2.01, 'two roundings');
        last = now;
      }
    }),
    { numRuns: 1000 },
  );
});

test('now uses the clocks of the process by default', () => {
  const clock = new LeaseClock();
  const [before, from] = [performance.now(), clock.now()];
  const elapsed = clock.now() - from;
  assert.ok(elapsed >= 0 && elapsed <= performance.now() - before + 2);
});

test.run();
