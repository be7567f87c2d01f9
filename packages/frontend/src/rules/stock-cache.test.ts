import * as assert from 'uvu/assert';
import * as fc from 'fast-check';
import { test } from 'uvu';
import type { Stock } from '@trireme/domain';
import { Lease } from './lease.js';
import { StockCache } from './stock-cache.js';

function stock(name: string, version = 1): Stock {
  return { name, price: 5500, quantity: 100, version };
}

/** A cache whose lease holds until 900. */
function leased(capacity = 5): StockCache {
  const cache = new StockCache(capacity);
  cache.begin('l1');
  cache.grant(cache.renew(0), 1000, 0);
  return cache;
}

test('lease: it runs from when it was asked for, and ends a tenth early', () => {
  const lease = new Lease();
  assert.not(lease.holds(0));
  const id = lease.renew(100);
  assert.not(lease.holds(100), 'asking is not having');
  lease.grant(id, 500);
  assert.ok(lease.holds(549));
  assert.not(lease.holds(550));
  assert.is(lease.remainingMs(540), 10);
  assert.is(lease.remainingMs(9999), 0);
});

test('lease: an older grant that comes late does not shorten it', () => {
  const lease = new Lease();
  const [first, second] = [lease.renew(0), lease.renew(100)];
  lease.grant(second, 100);
  lease.grant(first, 100);
  assert.ok(lease.holds(189));
  assert.not(lease.holds(190));
});

test('lease: a grant of what was not asked, or was granted, or is forgotten counts for nothing', () => {
  const lease = new Lease();
  const id = lease.renew(0);
  lease.grant(id + 1, 1000);
  assert.not(lease.holds(1));
  for (let n = 0; n < 4; n += 1) lease.renew(1);
  lease.grant(id, 1000);
  assert.not(lease.holds(2), 'the fifth renewal pushed the first one out');
  lease.end();
  lease.grant(id + 4, 1000);
  assert.not(lease.holds(2), 'a session that ended grants nothing');
});

test('a stock is kept and answered while the lease holds', () => {
  const cache = leased();
  assert.is(cache.get('A', 1), null);
  const view = cache.fill(stock('A', 3), true, 1, 1);
  assert.is(view.body, '{"data":{"name":"A","price":55.00,"quantity":100}}');
  assert.is(view.etag, '"l1-v3"');
  assert.is(cache.get('A', 899), view);
  assert.is(cache.get('A', 900), null);
  assert.equal([cache.hits, cache.misses, cache.size], [1, 2, 1]);
  assert.is(cache.leaseRemainingMs(800), 100);
});

test('nothing is kept without a lease, or against the word of the catalog', () => {
  const cache = new StockCache(5);
  cache.begin('l1');
  cache.fill(stock('A'), true, 1, 0);
  cache.grant(cache.renew(0), 1000, 0);
  assert.is(cache.get('A', 1), null);
  cache.fill(stock('A'), false, 2, 1);
  assert.is(cache.get('A', 1), null);
});

test('what was kept under a lease is not used under a later one that came after a gap', () => {
  const cache = leased();
  cache.fill(stock('A'), true, 1, 1);
  cache.grant(cache.renew(800), 1000, 850);
  assert.is.not(cache.get('A', 1000), null, 'without a gap it is');
  cache.grant(cache.renew(1690), 1000, 1700);
  assert.is(cache.get('A', 1701), null);
});

test('a new session has nothing of the one before', () => {
  const cache = leased();
  cache.fill(stock('A', 2), true, 1, 1);
  cache.revoke(['B'], 9, 1);
  cache.reset();
  assert.is(cache.life, null);
  assert.throws(() => cache.fill(stock('A'), true, 2, 2), 'its life was not told');
  cache.begin('l2');
  cache.grant(cache.renew(2), 1000, 3);
  assert.is(cache.get('A', 4), null);
  assert.is(cache.fill(stock('B', 1), true, 2, 4).etag, '"l2-v1"');
  assert.is.not(cache.get('B', 5), null, 'floors belong to the session too');
});

test('a revoked stock is dropped, and no answer below the revoked version is kept', () => {
  const cache = leased();
  cache.fill(stock('A', 1), true, 1, 1);
  cache.fill(stock('B', 1), true, 2, 1);
  cache.revoke(['A', 'C'], 5, 2);
  cache.revoke(['A'], 4, 2);
  assert.is(cache.get('A', 2), null);
  assert.is.not(cache.get('B', 2), null);
  cache.fill(stock('A', 4), true, 3, 2);
  assert.is(cache.get('A', 3), null);
  cache.fill(stock('A', 5), true, 4, 3);
  assert.is(cache.get('A', 4)?.version, 5);
});

test('an older answer does not replace a newer one', () => {
  const cache = leased();
  cache.fill(stock('A', 5), true, 1, 1);
  cache.fill(stock('A', 4), true, 2, 1);
  assert.is(cache.get('A', 2)?.version, 5);
});

test('at the bound of floors, no answer to a lookup from before is kept', () => {
  const cache = leased();
  for (let n = 0; n < 4096; n += 1) cache.revoke([`S${n}`], 5, 10);
  cache.fill(stock('X', 1), true, 7, 1);
  assert.is.not(cache.get('X', 2), null, 'up to the bound they are');
  cache.revoke(['Y'], 5, 10);
  cache.fill(stock('S1', 4), true, 10, 3);
  assert.is(cache.get('S1', 4), null);
  cache.fill(stock('S1', 5), true, 11, 3);
  assert.is.not(cache.get('S1', 4), null);
});

test('a cache of nothing keeps nothing', () => {
  const cache = leased(0);
  cache.fill(stock('A'), true, 1, 1);
  cache.revoke(['A'], 2, 1);
  cache.reset();
  assert.is(cache.get('A', 2), null);
  assert.is(cache.size, 0);
  assert.throws(() => new StockCache(-1));
});

test('property: it answers what a list in order of use would, whatever is filled, read and revoked', () => {
  const step = fc.record({
    kind: fc.constantFrom('get', 'fill', 'revoke'),
    name: fc.constantFrom('A', 'B', 'C', 'D', 'toString', '__proto__'),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), (capacity, steps) => {
      const cache = leased(capacity);
      // The naive version: names in order of use, the newest last.
      let used: string[] = [];
      let version = 1;
      for (const { kind, name } of steps) {
        if (kind === 'fill') {
          cache.fill(stock(name, version), true, 1, 1);
          used = [...used.filter((other) => other !== name), name].slice(-capacity);
        } else if (kind === 'revoke') {
          version += 1;
          cache.revoke([name], version, 1);
          used = used.filter((other) => other !== name);
        } else {
          assert.is(cache.get(name, 1)?.name, used.includes(name) ? name : undefined);
          if (used.includes(name)) used = [...used.filter((other) => other !== name), name];
        }
        assert.is(cache.size, used.length);
      }
    }),
  );
});

test.run();
