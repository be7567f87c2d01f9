import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KEY_FILTER_BYTES, KeyFilter } from './key-filter.js';

const KEY = fc.oneof(
  fc.string({ maxLength: 255 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.uuid(),
  fc.uuid({ version: 7 }),
  // Looks like a UUID of version 7, except for its digits.
  fc
    .string({ unit: 'grapheme-ascii', minLength: 35, maxLength: 35 })
    .map((text) => `${text.slice(0, 14)}7${text.slice(14)}`),
  fc.nat({ max: 1000 }).map((n) => `order-${n}`),
);

/** A UUID of version 7 created at `time` (milliseconds), with random bits derived from `seed`. */
function timedKey(time: number, seed: number): string {
  const t = Math.floor(time).toString(16).padStart(12, '0');
  const [a, b] = [0x9e3779b1, 0x85ebca6b].map((odd) =>
    (Math.imul(seed, odd) >>> 0).toString(16).padStart(8, '0'),
  );
  return `${t.slice(0, 8)}-${t.slice(8)}-7${a?.slice(0, 3)}-8${a?.slice(3, 6)}-${a?.slice(6)}${b}00`;
}

/** Number of false positives among `asked` keys that were not added. */
function falsePositives(filter: KeyFilter, asked: number): number {
  let count = 0;
  for (let i = 0; i < asked; i += 1) if (filter.mightContain(`absent-${i}`)) count += 1;
  return count;
}

test('mightContain is true for every added key, in a filter of any size', () => {
  fc.assert(
    fc.property(fc.array(KEY, { maxLength: 100 }), fc.integer({ min: 0, max: 4096 }), (keys, bytes) => {
      const filter = new KeyFilter(true, bytes);
      keys.forEach((key, i) => {
        filter.add(key);
        for (const added of keys.slice(0, i + 1)) assert.ok(filter.mightContain(added));
      });
    }),
  );
});

test('mightContain is false for every key in a complete empty filter', () => {
  assert.is(falsePositives(new KeyFilter(true), 1000), 0);
});

test('mightContain is true for every key until the filter is complete', () => {
  const filter = new KeyFilter(false);
  filter.add('a');
  assert.ok(filter.mightContain('a'));
  assert.ok(filter.mightContain('b'));
  filter.markComplete();
  assert.ok(filter.mightContain('a'));
  assert.not(filter.mightContain('b'));
});

test('mightContain is true for keys that are not ASCII: two of them may be one key on disk', () => {
  const filter = new KeyFilter(true);
  assert.ok(filter.mightContain('\ud800'));
  assert.ok(filter.mightContain('caf\u00e9'));
  filter.add('\ud800');
  assert.is(falsePositives(filter, 1000), 0);
});

test('mightContain distinguishes keys that differ in one character or only in length', () => {
  const filter = new KeyFilter(true);
  filter.add('a'.repeat(255));
  for (let length = 0; length < 255; length += 1) assert.not(filter.mightContain('a'.repeat(length)));
  for (let at = 0; at < 255; at += 1) {
    assert.not(filter.mightContain(`${'a'.repeat(at)}b${'a'.repeat(254 - at)}`));
  }
});

for (const [scheme, key] of [
  ['numbers', (i: number): string => String(i)],
  ['one word and a number', (i: number): string => `order-${i}`],
  ['hexadecimal digits', (i: number): string => (i * 2654435761).toString(16).padStart(32, '0')],
] as const) {
  test(`false positive rate with ${scheme} as keys: 1 in 100 at 6 million keys, below 1 in 5 at 12 million`, () => {
    // A filter of 1/256 of the size, with 1/256 of the keys.
    const filter = new KeyFilter(true, KEY_FILTER_BYTES / 256);
    const million = Math.round(1e6 / 256);
    let i = 0;
    for (; i < 6 * million; i += 1) filter.add(key(i));
    assert.ok(falsePositives(filter, 20_000) < 20_000 * 0.015);
    for (; i < 12 * million; i += 1) filter.add(key(i));
    assert.ok(falsePositives(filter, 20_000) < 20_000 / 5);
  });
}

for (const perMs of [0.1, 1, 50]) {
  test(`false positive rate with timed keys, ${perMs} per millisecond: the same as with other keys`, () => {
    const filter = new KeyFilter(true, KEY_FILTER_BYTES / 64);
    const million = Math.round(1e6 / 64);
    const start = 1.7e12;
    /** False positives of absent keys from the same times, which share their blocks with the added keys. */
    const timedFalsePositives = (added: number): number => {
      let count = 0;
      for (let i = 0; i < 20_000; i += 1) {
        if (filter.mightContain(timedKey(start + ((i / 20_000) * added) / perMs, -1 - i))) count += 1;
      }
      return count;
    };
    let i = 0;
    for (; i < 6 * million; i += 1) filter.add(timedKey(start + i / perMs, i));
    assert.ok(timedFalsePositives(i) < 20_000 * 0.015);
    assert.ok(falsePositives(filter, 20_000) < 20_000 * 0.015);
    for (; i < 12 * million; i += 1) filter.add(timedKey(start + i / perMs, i));
    assert.ok(timedFalsePositives(i) < 20_000 / 5);
    assert.ok(falsePositives(filter, 20_000) < 20_000 / 5);
  });
}

test.run();
