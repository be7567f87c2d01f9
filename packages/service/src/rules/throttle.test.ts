import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LogThrottle } from './throttle.js';

test('suppressedIfDue allows each kind once an interval, and returns the number suppressed', () => {
  const throttle = new LogThrottle(1_000);
  assert.is(throttle.suppressedIfDue('A', 0), 0);
  assert.is(throttle.suppressedIfDue('A', 1), null);
  assert.is(throttle.suppressedIfDue('B', 2), 0);
  assert.is(throttle.suppressedIfDue('A', 999), null);
  assert.is(throttle.suppressedIfDue('A', 1_000), 2);
  assert.is(throttle.suppressedIfDue('A', 2_000), 0);
});

test('suppressedIfDue treats kinds above the limit as one', () => {
  const throttle = new LogThrottle(1_000);
  for (let i = 0; i < 65; i += 1) assert.is(throttle.suppressedIfDue(`k${i}`, 0), 0);
  assert.is(throttle.suppressedIfDue('k65', 0), null);
  assert.is(throttle.suppressedIfDue('k66', 0), null);
  assert.is(throttle.suppressedIfDue('k0', 0), null);
  assert.is(throttle.suppressedIfDue('k67', 1_000), 2);
});

test.run();
