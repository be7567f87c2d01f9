import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff } from './backoff.js';

test('waits double from the least to the most, and begin anew after a reset', () => {
  const backoff = new Backoff({ msMin: 20, msMax: 100, random: () => 1 });
  assert.equal([backoff.next(), backoff.next(), backoff.next(), backoff.next()], [20, 40, 80, 100]);
  backoff.reset();
  assert.is(backoff.next(), 20);
});

test('jitter takes at most half of a wait away', () => {
  assert.is(new Backoff({ msMin: 20, msMax: 100, random: () => 0 }).next(), 10);
});

test.run();
