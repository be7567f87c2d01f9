import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LeasedCache } from './cache.js';

/** A cache whose lease on link 1 is valid from 0 to 90. */
function leasedCache(): LeasedCache<number> {
  const cache = new LeasedCache<number>(new Map());
  cache.onConnected(1);
  cache.onLease(1, cache.requestLease(0), 100);
  return cache;
}

test('get: answers only while the lease is valid; cached values survive an expired lease', () => {
  const cache = leasedCache();
  cache.fill(1, 'x', 1, true);
  cache.fill(1, 'y', 2, false);
  assert.is(cache.get('x', 89), 1);
  assert.is(cache.get('y', 89), undefined);
  assert.is(cache.get('x', 90), undefined);
  cache.onLease(1, cache.requestLease(200), 100);
  assert.is(cache.get('x', 201), 1);
});

test('revoke and onDisconnected: dropped values are not answered again', () => {
  const cache = leasedCache();
  cache.fill(1, 'x', 1, true);
  cache.fill(1, 'y', 2, true);
  cache.revoke(['x']);
  assert.is(cache.get('x', 1), undefined);
  assert.is(cache.get('y', 1), 2);
  cache.onDisconnected(1);
  assert.is(cache.get('y', 1), undefined);
  cache.onConnected(2);
  cache.onLease(2, cache.requestLease(2), 100);
  assert.is(cache.get('y', 3), undefined);
});

test('onLease, fill and onDisconnected: ignore an older link', () => {
  const cache = leasedCache();
  cache.onDisconnected(1);
  cache.fill(1, 'x', 1, true);
  cache.onConnected(2);
  const id = cache.requestLease(10);
  cache.onLease(1, id, 1000);
  assert.is(cache.lease.isValid(11), false);
  cache.onLease(2, id, 100);
  cache.fill(1, 'x', 1, true);
  assert.is(cache.get('x', 11), undefined);
  cache.fill(2, 'x', 2, true);
  cache.onDisconnected(1);
  assert.is(cache.get('x', 11), 2);
});

test.run();
