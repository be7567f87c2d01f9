import * as assert from 'uvu/assert';
import * as fc from 'fast-check';
import { test } from 'uvu';
import type { Stock } from '@trireme/domain';
import { StockCache, toStockView, type StockView } from './stock-cache.js';

function stock(name: string, version = 1): Stock {
  return { name, price: 5500, quantity: 100, version };
}

function view(name: string, version = 1): StockView {
  return toStockView(stock(name, version), 'l1');
}

const LINK = 7;

/** A cache with a lease until 900. */
function leased(capacity = 5): StockCache {
  const cache = new StockCache(capacity);
  cache.onConnected(LINK);
  cache.onLease(LINK, cache.requestLease(0), 1000);
  return cache;
}

test('toStockView has the body and the entity tag of a response', () => {
  const { body, etag } = toStockView(stock('A', 3), 'l1');
  assert.is(body, '{"data":{"name":"A","price":55.00,"quantity":100}}');
  assert.is(etag, '"l1-v3"');
});

test('get returns a cached stock while the lease holds', () => {
  const cache = leased();
  assert.is(cache.get('A', 1), null);
  const cached = view('A');
  cache.fill(LINK, cached, true);
  assert.is(cache.get('A', 899), cached);
  assert.ok(cache.has('A', 899));
  assert.is(cache.get('A', 900), null);
  assert.not(cache.has('A', 900));
  assert.equal([cache.hits, cache.misses, cache.size], [1, 2, 1]);
  assert.is(cache.leaseRemainingMs(800), 100);
});

test('fill caches only cacheable stocks from the followed link', () => {
  const cache = leased();
  cache.fill(LINK, view('A'), false);
  cache.fill(LINK + 1, view('A'), true);
  assert.is(cache.size, 0);
});

test('onLease ignores another link, and a new link starts without stocks and lease', () => {
  const cache = leased();
  cache.fill(LINK, view('A'), true);
  cache.onConnected(LINK + 1);
  assert.is(cache.size, 0);
  const id = cache.requestLease(1);
  cache.onLease(LINK, id, 1000);
  assert.is(cache.leaseRemainingMs(1), 0);
  cache.onLease(LINK + 1, id, 1000);
  cache.fill(LINK + 1, view('A'), true);
  cache.onDisconnected(LINK);
  assert.ok(cache.has('A', 2), 'the close of an older link changes nothing');
  cache.onDisconnected(LINK + 1);
  assert.equal([cache.size, cache.leaseRemainingMs(2)], [0, 0]);
});

test('a cache with capacity 0 stays empty', () => {
  const cache = leased(0);
  cache.fill(LINK, view('A'), true);
  cache.revoke(['A']);
  assert.is(cache.get('A', 2), null);
  assert.is(cache.size, 0);
  assert.throws(() => new StockCache(-1));
});

test('property: the cache behaves like a list in order of use', () => {
  const step = fc.record({
    kind: fc.constantFrom('get', 'fill', 'revoke'),
    name: fc.constantFrom('A', 'B', 'C', 'D', 'toString', '__proto__'),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), (capacity, steps) => {
      const cache = leased(capacity);
      // The model: names in order of use, the most recent last.
      let used: string[] = [];
      for (const { kind, name } of steps) {
        if (kind === 'fill') {
          cache.fill(LINK, view(name), true);
          used = [...used.filter((other) => other !== name), name].slice(-capacity);
        } else if (kind === 'revoke') {
          cache.revoke([name]);
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
