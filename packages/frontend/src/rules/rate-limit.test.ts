import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RateLimit } from './rate-limit.js';

function passed(limit: RateLimit, address: string, now: number, requests: number): number {
  return Array.from({ length: requests }, () => limit.take(address, now)).filter((waitS) => waitS === 0)
    .length;
}

test('twice the rate passes at once, then as much as the rate gives', () => {
  const limit = new RateLimit(10);
  assert.is(passed(limit, '10.0.0.1', 0, 100), 20);
  assert.is(passed(limit, '10.0.0.1', 500, 100), 5);
  assert.is(passed(limit, '10.0.0.1', 550, 1), 0, 'half a request is none');
  assert.is(passed(limit, '10.0.0.1', 600, 100), 1);
  assert.is(passed(limit, '10.0.0.1', 1e9, 100), 20, 'no more than the burst is saved up');
  assert.is(limit.take('10.0.0.1', 1e9), 1);
});

test('addresses do not count for each other; those of one IPv6 network do', () => {
  const limit = new RateLimit(1);
  assert.is(passed(limit, '10.0.0.1', 0, 5), 2);
  assert.is(passed(limit, '10.0.0.2', 0, 5), 2);
  assert.is(passed(limit, '::ffff:10.0.0.2', 0, 5), 0, 'an IPv4 address is the same in either form');
  assert.is(passed(limit, '2001:db8:1:2::1', 0, 5), 2);
  assert.is(passed(limit, '2001:DB8:1:0002:3:4:5:6', 0, 5), 0);
  assert.is(passed(limit, '2001:db8:1:3::1', 0, 5), 2);
  assert.is(passed(limit, '2001:db8::1', 0, 5), 2);
  assert.is(passed(limit, '2001:db8:0:0:9::', 0, 5), 0, 'zeros that are left out are zeros');
  assert.is(passed(limit, 'fe80::1%eth0', 0, 5), 2);
  assert.is(passed(limit, '::1', 0, 5), 2);
});

test('at its bound the table forgets whoever was heard of least recently', () => {
  const limit = new RateLimit(1, 2);
  assert.is(passed(limit, 'a', 0, 5), 2);
  assert.is(passed(limit, 'b', 0, 5), 2);
  assert.is(passed(limit, 'a', 0, 5), 0);
  assert.is(passed(limit, 'c', 0, 5), 2);
  assert.is(passed(limit, 'a', 0, 5), 0);
  assert.is(passed(limit, 'b', 0, 5), 2, 'b was forgotten for c');
});

test('less than one request a second is no limit', () => {
  assert.throws(() => new RateLimit(0));
});

test.run();
