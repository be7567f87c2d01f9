/** Key pages: compared with a plain map, and their bytes. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, generateKey } from '@trireme/domain';
import { KeyPage, KeyPages, PAGE_KEYS_MAX, keyPageOf } from './key-pages.js';
import type { CommandPosition } from './state.js';
import { randomFrom } from '../testing/random.js';

const NOW = 0x0123_4567_89a0;
const isFormatError = (error: unknown): boolean => error instanceof FormatError;

/** The page name of a paged key. */
function pageOf(key: string): string {
  const page = keyPageOf(key);
  assert.ok(page !== null, key);
  return page;
}

test('keyPageOf is equal for keys of the same millisecond only', () => {
  const page = pageOf(generateKey(NOW));
  assert.is(page, '01234567-89a0');
  assert.is(pageOf(generateKey(NOW)), page);
  assert.is(pageOf(generateKey(NOW + 1)), '01234567-89a1');
  assert.is(pageOf(generateKey(NOW - 1)), '01234567-899f');
});

for (const key of [
  '',
  'order-7',
  '01234567-89ab-4abc-8def-0123456789ab',
  '01234567-89ab-7abc-8def-0123456789a',
  '01234567-89ab-7abc-8def-0123456789abc',
  '01234567-89ab-7abc-8def-0123456789ab\n',
  ' 1234567-89ab-7abc-8def-0123456789ab',
  '01234567-89AB-7ABC-8DEF-0123456789AB',
  '0123456789ab7abc8def0123456789ab0000',
  '01234567-89ab-7abc-8def-0123456789aé',
]) {
  test(`keyPageOf is null for a key that is not a lower-case UUID of version 7: ${JSON.stringify(key)}`, () => {
    assert.is(keyPageOf(key), null);
    const pages = new KeyPages(() => {
      throw new Error('a page is read');
    });
    assert.is(pages.write(key, { seq: 1, position: 0 }), false);
    assert.is(pages.write(key, null), false);
    assert.is(pages.takeChanges().size, 0);
  });
}

test('keyPageOf accepts exactly the lower-case UUIDs of version 7 of RFC 9562', () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  const places = fc.integer({ min: 0, max: 35 });
  const chars = fc.oneof(
    fc.constantFrom(...Array.from('/09:`afg-7A')),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  );
  fc.assert(
    fc.property(fc.uuid({ version: 7 }), places, chars, (uuid, at, char) => {
      assert.is(keyPageOf(uuid), uuid.slice(0, 13));
      const key = uuid.slice(0, at) + char + uuid.slice(at + 1);
      assert.is(keyPageOf(key), form.test(key) ? key.slice(0, 13) : null, key);
    }),
    { numRuns: 2000 },
  );
});

test('KeyPage round-trips positions of any size', () => {
  const places: readonly CommandPosition[] = [
    { seq: 1, position: 0 },
    { seq: 2 ** 48 - 1, position: 4095 },
    { seq: 2 ** 32, position: 1 },
  ];
  const keys = places.map(() => generateKey(NOW));
  const page = new KeyPage();
  keys.forEach((key, i) => assert.ok(page.add(key, places[i] ?? { seq: 0, position: 0 })));
  const read = new KeyPage(Buffer.from(page.bytes));
  assert.is(read.count, 3);
  assert.equal(
    keys.map((key) => read.place(key)),
    places,
  );
  assert.equal([...read.keys(pageOf(generateKey(NOW)))], keys);
  assert.is(read.place(generateKey(NOW)), null);
});

const NAME = '01234567-89a0';
const REST = '-7aaa-8bbb-0123456789ab';

test('KeyPage does not find text that spans two entries', () => {
  const across = Buffer.from(`${'x'.repeat(20)}${REST}${'x'.repeat(19)}`, 'latin1');
  const page = new KeyPage(across);
  assert.is(page.count, 2);
  assert.is(page.place(NAME + REST), null);
  assert.is(page.remove(NAME + REST), false);
  const both = new KeyPage(
    Buffer.concat([across, Buffer.from(`${REST}${'\0'.repeat(5)}\x02\0\x01`, 'latin1')]),
  );
  assert.equal(both.place(NAME + REST), { seq: 2, position: 1 });
});

for (const length of [1, 30, 32, 31 * (PAGE_KEYS_MAX + 1)]) {
  test(`KeyPage rejects ${length} bytes`, () => {
    assert.throws(() => new KeyPage(Buffer.alloc(length)), isFormatError);
  });
}

for (const [what, name, entry] of [
  ['an invalid key', NAME, `${REST.slice(0, -1)}x${'\0'.repeat(7)}\x01`],
  ['a UUID of another version', NAME, `${REST.replace('7', '4')}\0\0\0\0\0\x01\0\0`],
  ['a key without a position', NAME, `${REST}${'\0'.repeat(8)}`],
  ['a key under an invalid page name', 'stray', `${REST}\0\0\0\0\0\x01\0\0`],
] as const) {
  test(`KeyPage.keys rejects a page with ${what}`, () => {
    const page = new KeyPage(Buffer.from(entry, 'latin1'));
    assert.is(page.count, 1);
    assert.throws(() => page.keys(name), isFormatError);
  });
}

test('KeyPage.add refuses a key while the page is full', () => {
  const page = new KeyPage();
  const keys = Array.from({ length: PAGE_KEYS_MAX }, () => generateKey(NOW));
  for (const key of keys) assert.ok(page.add(key, { seq: 1, position: 0 }));
  const more = generateKey(NOW);
  assert.is(page.add(more, { seq: 2, position: 0 }), false);
  assert.is(page.place(more), null);
  assert.ok(page.remove(keys[5] ?? ''));
  assert.is(page.add(more, { seq: 2, position: 0 }), true);
  assert.equal(page.place(more), { seq: 2, position: 0 });
  assert.is(page.count, PAGE_KEYS_MAX);
});

/** Keys with few values per page, so that they collide, and with many pages, so that pages are evicted. */
const KEY = fc.record({ page: fc.nat({ max: 200 }), key: fc.nat({ max: 3 }) }).map(({ page, key }) => {
  const time = (NOW + page).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(key).padStart(12, '0')}`;
});
const STEP = fc.oneof(
  { arbitrary: KEY, weight: 20 },
  { arbitrary: fc.constantFrom('take', 'reopen'), weight: 4 },
);

test('KeyPages with random writes, takes and reopens equals a plain map, without empty pages', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 400, size: 'max' }), (steps) => {
      const disk = new Map<string, Buffer>();
      const existing = new Map<string, CommandPosition>();
      const read = (name: string): KeyPage | null => {
        const bytes = disk.get(name);
        return bytes === undefined ? null : new KeyPage(Buffer.from(bytes));
      };
      let pages = new KeyPages(read);
      let seq = 0;
      const take = (): void => {
        for (const [name, page] of pages.takeChanges()) {
          if (page.count === 0) disk.delete(name);
          else disk.set(name, Buffer.from(page.bytes));
        }
      };
      for (const step of steps) {
        if (step === 'take') take();
        else if (step === 'reopen') {
          take();
          pages = new KeyPages(read);
        } else if (existing.delete(step)) assert.ok(pages.write(step, null));
        else {
          assert.is(pages.write(step, null), false);
          const place = { seq: ++seq, position: seq % 7 };
          existing.set(step, place);
          assert.ok(pages.write(step, place));
        }
      }
      take();
      let count = 0;
      for (const name of disk.keys()) {
        const page = read(name);
        assert.ok(page !== null && page.count > 0);
        for (const key of page.keys(name)) {
          assert.equal(page.place(key), existing.get(key));
          count += 1;
        }
      }
      assert.is(count, existing.size);
    }),
    { numRuns: 60 },
  );
});

test('KeyPages produces the same bytes for any split into writes', () => {
  const random = randomFrom(7);
  const keys = Array.from({ length: 4 * PAGE_KEYS_MAX }, (_, i) => generateKey(NOW + (i % 2)));
  const steps = Array.from({ length: 8000 }, () => random.pick(keys) ?? '');
  const results = [1, 7, steps.length].map((cut) => {
    const disk = new Map<string, string>();
    const own = new Set<string>();
    const paged = new Set<string>();
    const pages = new KeyPages((name) => {
      const hex = disk.get(name);
      return hex === undefined ? null : new KeyPage(Buffer.from(hex, 'hex'));
    });
    let mostOwn = 0;
    steps.forEach((key, i) => {
      const isThere = own.has(key) || paged.has(key);
      const isDone = pages.write(key, isThere ? null : { seq: i + 1, position: 0 });
      if (isThere) assert.ok((isDone ? paged : own).delete(key));
      else (isDone ? paged : own).add(key);
      mostOwn = Math.max(mostOwn, own.size);
      if ((i + 1) % cut !== 0 && i + 1 < steps.length) return;
      for (const [name, page] of pages.takeChanges()) {
        if (page.count === 0) disk.delete(name);
        else disk.set(name, page.bytes.toString('hex'));
      }
    });
    assert.ok(mostOwn > 10, 'pages were full');
    return [[...disk].sort(), [...own].sort()];
  });
  assert.equal(results[1], results[0]);
  assert.equal(results[2], results[0]);
});

test('KeyPages caches the last 32 pages and evicts after 64', () => {
  const read: string[] = [];
  const pages = new KeyPages((name) => {
    read.push(name);
    return null;
  });
  const write = (page: number): string | null => {
    const key = generateKey(NOW + page);
    pages.write(key, { seq: page + 1, position: 0 });
    pages.takeChanges();
    return keyPageOf(key);
  };
  const names = Array.from({ length: 100 }, (_, page) => write(page));
  assert.equal(read, names);
  for (let page = 99; page >= 68; page -= 1) write(page);
  assert.equal(read, names);
  assert.is(write(0), names[0]);
  assert.equal(read, [...names, names[0]]);
});

test.run();
