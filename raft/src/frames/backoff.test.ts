import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff } from './backoff.js';

test('next doubles the delay up to the maximum, and starts at the minimum after reset', () => {
  const backoff = new Backoff({ msMin: 20, msMax: 100, random: () => 1 });
  assert.equal([backoff.next(), backoff.next(), backoff.next(), backoff.next()], [20, 40, 80, 100]);
  backoff.reset();
  assert.is(backoff.next(), 20);
});

test('next subtracts at most half of the delay as jitter', () => {
  assert.is(new Backoff({ msMin: 20, msMax: 100, random: () => 0 }).next(), 10);
});

test.run();
