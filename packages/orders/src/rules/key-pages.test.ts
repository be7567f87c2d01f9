/** Pages of keys against a plain map, and their bytes. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, freshKey } from '@trireme/domain';
import { KeyPage, KeyPages, PAGE_KEYS_MAX, keyPageOf } from './key-pages.js';
import type { Place } from './state.js';

const NOW = 0x0123_4567_89a0;

/** The page of `key`, which is on one. */
function pageOf(key: string): string {
  const page = keyPageOf(key);
  assert.ok(page !== null, key);
  return page;
}

test('keys that were made in the same 16 milliseconds share a page, others do not', () => {
  const page = pageOf(freshKey(NOW));
  assert.is(page, '01234567-89a');
  for (const ms of [1, 7, 15]) assert.is(pageOf(freshKey(NOW + ms)), page);
  assert.is(pageOf(freshKey(NOW + 16)), '01234567-89b');
  assert.is(pageOf(freshKey(NOW - 1)), '01234567-899');
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

test('a page keeps places of any size, and reads back from its bytes', () => {
  const places: readonly Place[] = [
    { seq: 1, position: 0 },
    { seq: 2 ** 48 - 1, position: 4095 },
    { seq: 2 ** 32, position: 1 },
  ];
  const keys = places.map((_, i) => freshKey(NOW + i));
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

test('text that stands across two entries is no key of the page', () => {
  const rest = '0-7aaa-8bbb-0123456789ab';
  const bytes = Buffer.from(`${'x'.repeat(20)}${rest}${'x'.repeat(20)}`, 'latin1');
  const crossed = new KeyPage(bytes);
  assert.is(crossed.place(`01234567-89a${rest}`), null);
  assert.is(crossed.remove(`01234567-89a${rest}`), false);
  const both = new KeyPage(Buffer.concat([bytes, Buffer.from(`${rest}${'\0'.repeat(7)}\x01`, 'latin1')]));
  assert.equal(both.place(`01234567-89a${rest}`), { seq: 0, position: 1 });
});

for (const length of [1, 31, 33, 32 * (PAGE_KEYS_MAX + 1)]) {
  test(`${length} bytes are no page`, () => {
    assert.throws(
      () => new KeyPage(Buffer.alloc(length)),
      (error: unknown) => error instanceof FormatError,
    );
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
const KEY = fc.record({ page: fc.nat({ max: 40 }), key: fc.nat({ max: 5 }) }).map(({ page, key }) => {
  const time = (NOW + 16 * page).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(key).padStart(12, '0')}`;
});
const STEP = fc.oneof(
  { arbitrary: KEY, weight: 20 },
  { arbitrary: fc.constantFrom('take', 'reopen'), weight: 4 },
);

test('whatever is written, taken and opened again: the pages hold what a map holds, and no page is left empty', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 200 }), (steps) => {
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
    { numRuns: 300 },
  );
});

test.run();
