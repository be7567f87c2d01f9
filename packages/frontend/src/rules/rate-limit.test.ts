import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RateLimiter } from './rate-limit.js';

function passed(limit: RateLimiter, address: string, now: number, requests: number): number {
  return Array.from({ length: requests }, () => limit.take(address, now)).filter((waitS) => waitS === 0)
    .length;
}

test('take allows a burst of twice the rate, then the rate', () => {
  const limit = new RateLimiter(10);
  assert.is(passed(limit, '10.0.0.1', 0, 100), 20);
  assert.is(passed(limit, '10.0.0.1', 500, 100), 5);
  assert.is(passed(limit, '10.0.0.1', 550, 1), 0, 'half a token allows no request');
  assert.is(passed(limit, '10.0.0.1', 600, 100), 1);
  assert.is(passed(limit, '10.0.0.1', 1e9, 100), 20, 'no more than the burst accumulates');
  assert.is(limit.take('10.0.0.1', 1e9), 1);
});

test('take counts addresses separately, but those of one IPv6 /64 network together', () => {
  const limit = new RateLimiter(1);
  assert.is(passed(limit, '10.0.0.1', 0, 5), 2);
  assert.is(passed(limit, '10.0.0.2', 0, 5), 2);
  assert.is(passed(limit, '::ffff:10.0.0.2', 0, 5), 0, 'an IPv4 address is the same in either form');
  assert.is(passed(limit, '2001:db8:1:2::1', 0, 5), 2);
  assert.is(passed(limit, '2001:DB8:1:0002:3:4:5:6', 0, 5), 0);
  assert.is(passed(limit, '2001:db8:1:3::1', 0, 5), 2);
  assert.is(passed(limit, '2001:db8::1', 0, 5), 2);
  assert.is(passed(limit, '2001:db8:0:0:9::', 0, 5), 0, 'omitted groups are zero');
  assert.is(passed(limit, 'fe80::1%eth0', 0, 5), 2);
  assert.is(passed(limit, '::1', 0, 5), 2);
});

test('take drops the least recently used address at the bound', () => {
  const limit = new RateLimiter(1, 2);
  assert.is(passed(limit, 'a', 0, 5), 2);
  assert.is(passed(limit, 'b', 0, 5), 2);
  assert.is(passed(limit, 'a', 0, 5), 0);
  assert.is(passed(limit, 'c', 0, 5), 2);
  assert.is(passed(limit, 'a', 0, 5), 0);
  assert.is(passed(limit, 'b', 0, 5), 2, 'b was dropped for c');
});

test('a limit below one request per second is rejected', () => {
  assert.throws(() => new RateLimiter(0));
});

test.run();
