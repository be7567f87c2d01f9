import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Throttle } from './throttle.js';

test('each kind once an interval, with what was left out', () => {
  const throttle = new Throttle(1_000);
  assert.is(throttle.due('A', 0), 0);
  assert.is(throttle.due('A', 1), null);
  assert.is(throttle.due('B', 2), 0);
  assert.is(throttle.due('A', 999), null);
  assert.is(throttle.due('A', 1_000), 2);
  assert.is(throttle.due('A', 2_000), 0);
});

test('kinds are bounded: beyond the bound they share one', () => {
  const throttle = new Throttle(1_000);
  for (let i = 0; i < 65; i += 1) assert.is(throttle.due(`k${i}`, 0), 0);
  assert.is(throttle.due('k65', 0), null);
  assert.is(throttle.due('k66', 0), null);
  assert.is(throttle.due('k0', 0), null);
  assert.is(throttle.due('k67', 1_000), 2);
});

test.run();
