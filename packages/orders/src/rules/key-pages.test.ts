/** Pages of keys against a plain map, and their bytes. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, freshKey } from '@trireme/domain';
import { KeyPage, KeyPages, PAGE_KEYS_MAX, keyPageOf } from './key-pages.js';
import type { Place } from './state.js';
import { seeded } from './testing/random.js';

const NOW = 0x0123_4567_89a0;
const isFormatError = (error: unknown): boolean => error instanceof FormatError;

/** The page of `key`, which is on one. */
function pageOf(key: string): string {
  const page = keyPageOf(key);
  assert.ok(page !== null, key);
  return page;
}

test('keys that were made in the same millisecond share a page, others do not', () => {
  const page = pageOf(freshKey(NOW));
  assert.is(page, '01234567-89a0');
  assert.is(pageOf(freshKey(NOW)), page);
  assert.is(pageOf(freshKey(NOW + 1)), '01234567-89a1');
  assert.is(pageOf(freshKey(NOW - 1)), '01234567-899f');
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
  test(`a key that is no UUID of version 7 in its usual form has no page: ${JSON.stringify(key)}`, () => {
    assert.is(keyPageOf(key), null);
    const pages = new KeyPages(() => {
      throw new Error('a page is read');
    });
    assert.is(pages.write(key, { seq: 1, position: 0 }), false);
    assert.is(pages.write(key, null), false);
    assert.is(pages.take().size, 0);
  });
}

test('what has a page is what RFC 9562 calls a UUID of version 7, in lower case', () => {
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

test('a page keeps places of any size, and reads back from its bytes', () => {
  const places: readonly Place[] = [
    { seq: 1, position: 0 },
    { seq: 2 ** 48 - 1, position: 4095 },
    { seq: 2 ** 32, position: 1 },
  ];
  const keys = places.map(() => freshKey(NOW));
  const page = new KeyPage();
  keys.forEach((key, i) => assert.ok(page.add(key, places[i] ?? { seq: 0, position: 0 })));
  const read = new KeyPage(Buffer.from(page.bytes));
  assert.is(read.count, 3);
  assert.equal(
    keys.map((key) => read.place(key)),
    places,
  );
  assert.equal([...read.keys(pageOf(freshKey(NOW)))], keys);
  assert.is(read.place(freshKey(NOW)), null);
});

const NAME = '01234567-89a0';
const REST = '-7aaa-8bbb-0123456789ab';

test('text that stands across two entries is no key of the page', () => {
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
  test(`${length} bytes are no page`, () => {
    assert.throws(() => new KeyPage(Buffer.alloc(length)), isFormatError);
  });
}

for (const [what, name, entry] of [
  ['text that is no key', NAME, `${REST.slice(0, -1)}x${'\0'.repeat(7)}\x01`],
  ['a key of no version 7', NAME, `${REST.replace('7', '4')}\0\0\0\0\0\x01\0\0`],
  ['a key that stands nowhere', NAME, `${REST}${'\0'.repeat(8)}`],
  ['a key under a name that is none', 'stray', `${REST}\0\0\0\0\0\x01\0\0`],
] as const) {
  test(`a page that holds ${what} is damaged`, () => {
    const page = new KeyPage(Buffer.from(entry, 'latin1'));
    assert.is(page.count, 1);
    assert.throws(() => page.keys(name), isFormatError);
  });
}

test('a page that is full takes no more keys, and one again for each that goes', () => {
  const page = new KeyPage();
  const keys = Array.from({ length: PAGE_KEYS_MAX }, () => freshKey(NOW));
  for (const key of keys) assert.ok(page.add(key, { seq: 1, position: 0 }));
  const more = freshKey(NOW);
  assert.is(page.add(more, { seq: 2, position: 0 }), false);
  assert.is(page.place(more), null);
  assert.ok(page.remove(keys[5] ?? ''));
  assert.is(page.add(more, { seq: 2, position: 0 }), true);
  assert.equal(page.place(more), { seq: 2, position: 0 });
  assert.is(page.count, PAGE_KEYS_MAX);
});

/** Keys of few pages, so that they meet, and of many, so that pages leave the memory. */
const KEY = fc.record({ page: fc.nat({ max: 200 }), key: fc.nat({ max: 3 }) }).map(({ page, key }) => {
  const time = (NOW + page).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(key).padStart(12, '0')}`;
});
const STEP = fc.oneof(
  { arbitrary: KEY, weight: 20 },
  { arbitrary: fc.constantFrom('take', 'reopen'), weight: 4 },
);

test('whatever is written, taken and opened again: the pages hold what a map holds, and no page is left empty', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 400, size: 'max' }), (steps) => {
      const disk = new Map<string, Buffer>();
      const there = new Map<string, Place>();
      const read = (name: string): KeyPage | null => {
        const bytes = disk.get(name);
        return bytes === undefined ? null : new KeyPage(Buffer.from(bytes));
      };
      let pages = new KeyPages(read);
      let seq = 0;
      const take = (): void => {
        for (const [name, page] of pages.take()) {
          if (page.count === 0) disk.delete(name);
          else disk.set(name, Buffer.from(page.bytes));
        }
      };
      for (const step of steps) {
        if (step === 'take') take();
        else if (step === 'reopen') {
          take();
          pages = new KeyPages(read);
        } else if (there.delete(step)) assert.ok(pages.write(step, null));
        else {
          assert.is(pages.write(step, null), false);
          const place = { seq: ++seq, position: seq % 7 };
          there.set(step, place);
          assert.ok(pages.write(step, place));
        }
      }
      take();
      let count = 0;
      for (const name of disk.keys()) {
        const page = read(name);
        assert.ok(page !== null && page.count > 0);
        for (const key of page.keys(name)) {
          assert.equal(page.place(key), there.get(key));
          count += 1;
        }
      }
      assert.is(count, there.size);
    }),
    { numRuns: 60 },
  );
});

test('pages that fill, and empty, and fill again are the same bytes however the writes are cut', () => {
  const random = seeded(7);
  const keys = Array.from({ length: 4 * PAGE_KEYS_MAX }, (_, i) => freshKey(NOW + (i % 2)));
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
      for (const [name, page] of pages.take()) {
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

test('the last 32 pages that were written are not read again, and of more than 64 the first one is', () => {
  const read: string[] = [];
  const pages = new KeyPages((name) => {
    read.push(name);
    return null;
  });
  const write = (page: number): string | null => {
    const key = freshKey(NOW + page);
    pages.write(key, { seq: page + 1, position: 0 });
    pages.take();
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
