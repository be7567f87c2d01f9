import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLOCK_DRIFT_MAX, grantorLeaseMs, Lease } from './lease.js';

test('onGranted: the lease starts at the request, not at the grant', () => {
  const lease = new Lease();
  const id = lease.recordRequest(1000);
  assert.is(lease.isValid(1000), false);
  assert.is(lease.onGranted(id, 100), true);
  assert.is(lease.isValid(1089), true);
  assert.is(lease.isValid(1090), false);
  assert.is(lease.remainingMs(1040), 50);
  assert.is(lease.remainingMs(2000), 0);
});

test('onGranted: ignores a request that is unknown, already granted, or older than end()', () => {
  const lease = new Lease();
  const id = lease.recordRequest(0);
  lease.onGranted(id, 100);
  assert.is(lease.onGranted(id, 1000), false);
  assert.is(lease.onGranted(77, 1000), false);
  const other = lease.recordRequest(10);
  lease.end();
  assert.is(lease.onGranted(other, 1000), false);
  assert.is(lease.isValid(11), false);
});

test('onGranted: a late grant of an older request does not shorten the lease', () => {
  const lease = new Lease();
  const first = lease.recordRequest(0);
  const second = lease.recordRequest(50);
  lease.onGranted(second, 100);
  lease.onGranted(first, 100);
  assert.is(lease.isValid(139), true);
});

test('recordRequest: the oldest of too many waiting requests is discarded', () => {
  const lease = new Lease();
  const ids = Array.from({ length: 5 }, (_, at) => lease.recordRequest(at));
  assert.equal(
    ids.map((id) => lease.onGranted(id, 100)),
    [false, true, true, true, true],
  );
});

test('a lease expires at its holder before it expires at its grantor, with any clock rates within the margin', () => {
  const rate = fc.double({ min: 1 - CLOCK_DRIFT_MAX, max: 1 + CLOCK_DRIFT_MAX, noNaN: true });
  const delay = fc.double({ min: 0, max: 10_000, noNaN: true });
  fc.assert(
    fc.property(
      rate,
      rate,
      delay,
      fc.integer({ min: 1, max: 10_000 }),
      (holder, grantor, delayMs, leaseMs) => {
        // True time starts at the request; each clock shows true time times its rate.
        const lease = new Lease();
        lease.onGranted(lease.recordRequest(0), leaseMs);
        const holderExpiry = lease.state.until / holder;
        const grantorExpiry = delayMs + grantorLeaseMs(leaseMs) / grantor;
        assert.ok(holderExpiry <= grantorExpiry + 1e-9);
      },
    ),
  );
});

test.run();
