import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LeasedCache } from './cache.js';

test('get: only while the lease holds; what is kept outlives a lapse', () => {
  const cache = new LeasedCache<number>(new Map());
  cache.granted(cache.requestLease(0), 100);
  cache.fill('x', 1, true);
  cache.fill('y', 2, false);
  assert.is(cache.get('x', 89), 1);
  assert.is(cache.get('y', 89), undefined);
  assert.is(cache.get('x', 90), undefined);
  cache.granted(cache.requestLease(200), 100);
  assert.is(cache.get('x', 201), 1);
});

test('revoke and reset: what is dropped is gone', () => {
  const cache = new LeasedCache<number>(new Map());
  cache.granted(cache.requestLease(0), 100);
  cache.fill('x', 1, true);
  cache.fill('y', 2, true);
  cache.revoke(['x']);
  assert.is(cache.get('x', 1), undefined);
  assert.is(cache.get('y', 1), 2);
  cache.reset();
  cache.granted(cache.requestLease(2), 100);
  assert.is(cache.get('y', 3), undefined);
});

test.run();
