/** Keys as the front-end and the client make them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freshKey } from './key.js';

test('a key is a UUID of version 7 with its time in front', () => {
  const key = freshKey(0x0123_4567_89ab);
  assert.match(key, /^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(freshKey(1), /^00000000-0001-7/);
});

test('keys of one millisecond differ, and those of a later one come after them', () => {
  const now = Date.UTC(2026, 0, 1);
  const keys = Array.from({ length: 10_000 }, () => freshKey(now));
  assert.is(new Set(keys).size, keys.length);
  const later = freshKey(now + 1);
  assert.ok(keys.every((key) => key < later));
});

test('a wall clock that is far out still gives keys of this form', () => {
  for (const now of [-1, -(2 ** 50), 2 ** 48, 2 ** 52]) {
    assert.match(freshKey(now), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test('without a time it is that of now', () => {
  const before = Date.now();
  const time = parseInt(freshKey().replaceAll('-', '').slice(0, 12), 16);
  assert.ok(time >= before && time <= Date.now());
});

test.run();
