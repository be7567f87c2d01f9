/** Tests of the keys that front-ends and clients generate. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { generateKey } from './idempotency-key.js';

test('a key is a UUID of version 7 that starts with its time', () => {
  const key = generateKey(0x0123_4567_89ab);
  assert.match(key, /^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(generateKey(1), /^00000000-0001-7/);
});

test('keys of one millisecond differ, and later keys sort after them', () => {
  const now = Date.UTC(2026, 0, 1);
  const keys = Array.from({ length: 10_000 }, () => generateKey(now));
  assert.is(new Set(keys).size, keys.length);
  const later = generateKey(now + 1);
  assert.ok(keys.every((key) => key < later));
});

test('keys have the same form when the wall clock is far off', () => {
  for (const now of [-1, -(2 ** 50), 2 ** 48, 2 ** 52]) {
    assert.match(generateKey(now), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test('the time of a key is the current time unless given', () => {
  const before = Date.now();
  const time = parseInt(generateKey().replaceAll('-', '').slice(0, 12), 16);
  assert.ok(time >= before && time <= Date.now());
});

test.run();
