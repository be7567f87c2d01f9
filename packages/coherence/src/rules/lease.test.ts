import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLOCK_DRIFT_MAX, honouredMs, Lease } from './lease.js';

test('grant: a lease counts from its request, not from its grant', () => {
  const lease = new Lease();
  const id = lease.request(1000);
  assert.is(lease.holds(1000), false);
  assert.is(lease.grant(id, 100), true);
  assert.is(lease.holds(1089), true);
  assert.is(lease.holds(1090), false);
  assert.is(lease.remainingMs(1040), 50);
  assert.is(lease.remainingMs(2000), 0);
});

test('grant: an unknown request, one that was granted and one before the end change nothing', () => {
  const lease = new Lease();
  const id = lease.request(0);
  lease.grant(id, 100);
  assert.is(lease.grant(id, 1000), false);
  assert.is(lease.grant(77, 1000), false);
  const other = lease.request(10);
  lease.end();
  assert.is(lease.grant(other, 1000), false);
  assert.is(lease.holds(11), false);
});

test('grant: the older of two grants does not shorten the lease', () => {
  const lease = new Lease();
  const first = lease.request(0);
  const second = lease.request(50);
  lease.grant(second, 100);
  lease.grant(first, 100);
  assert.is(lease.holds(139), true);
});

test('request: the oldest of too many requests is forgotten', () => {
  const lease = new Lease();
  const ids = Array.from({ length: 5 }, (_, at) => lease.request(at));
  assert.equal(
    ids.map((id) => lease.grant(id, 100)),
    [false, true, true, true, true],
  );
});

test('a lease is over at its holder before it is over at its giver, whatever their clocks do within the margin', () => {
  const rate = fc.double({ min: 1 - CLOCK_DRIFT_MAX, max: 1 + CLOCK_DRIFT_MAX, noNaN: true });
  const delay = fc.double({ min: 0, max: 10_000, noNaN: true });
  fc.assert(
    fc.property(rate, rate, delay, fc.integer({ min: 1, max: 10_000 }), (holder, giver, delayMs, leaseMs) => {
      // True time starts at the request; each clock shows true time times its rate.
      const lease = new Lease();
      lease.grant(lease.request(0), leaseMs);
      const overAtHolder = lease.state.until / holder;
      const overAtGiver = delayMs + honouredMs(leaseMs) / giver;
      assert.ok(overAtHolder <= overAtGiver + 1e-9);
    }),
  );
});

test.run();
