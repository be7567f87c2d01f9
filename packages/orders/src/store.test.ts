import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Command } from '@trireme/domain';
import { identityRecord } from './book-identity.js';
import { EFFECTS_MAX, readEffects } from './effects.js';
import { BOOK_FORMAT, describeKey, numberKey, seal, textKey } from './records.js';
import { Book } from './rules/book.js';
import { DONE, FILLED, REJECTED, buy, entry, settling } from './rules/testing/batches.js';
import { BookStore } from './store.js';
import { withFolder } from './testing/folders.js';
import { ENTRIES, applyTo, assertRejects, fill, open, tamper } from './testing/stores.js';

async function collect<T>(rows: AsyncGenerator<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

test('a new book is empty, and one that is opened again is as it was left', async () => {
  await withFolder(async (path) => {
    const fresh = await open(path);
    assert.is(fresh.meta.applied, 0);
    assert.equal(fresh.pending, []);
    await fresh.store.close();
    const meta = await fill(path, ENTRIES);
    const { store, meta: again, pending } = await open(path);
    assert.equal(again, meta);
    assert.equal(
      pending.map(({ seq, index }) => [seq, index]),
      [[3, 5]],
    );
    assert.equal(store.place('b'), { seq: 2, position: 1 });
    assert.is(store.place('nobody'), null);
    assert.equal(store.batch(1)?.skip, [2]);
    assert.equal(store.outcomes(2), { seq: 2, firstNumber: 2, outcomes: [DONE, FILLED, REJECTED] });
    assert.equal(store.order(2), {
      number: 2,
      name: 'A',
      type: 'buy',
      quantity: 1,
      price: 500,
      time: 1000,
      index: 3,
    });
    assert.is(store.order(3), null);
    assert.equal(store.changeAt(2), { change: 2, index: 3, kind: 'list', name: 'N', amount: 5 });
    assert.equal(
      (await collect(store.orders(1, 2))).map(({ number }) => number),
      [2],
    );
    assert.equal(await collect(store.orders(2, 2)), []);
    const book = new Book(store, again, pending);
    await applyTo(store, book, [settling(6, 5, [FILLED, FILLED])]);
    assert.is(store.order(4)?.number, 4);
    await store.close();
  });
});

test('two opens at once: the second is told that the book is in use', async () => {
  await withFolder(async (path) => {
    const { store } = await open(path);
    await assertRejects(open(path), 'BAD_CONFIG', /cannot open the order book/);
    await store.close();
  });
});

test('a folder of another replica or another cluster is refused', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    await assertRejects(
      BookStore.open({ path, cluster: 'test', id: '2' }),
      'BAD_CONFIG',
      /replica 1; this process is .* replica 2/,
    );
    await assertRejects(
      BookStore.open({ path, cluster: 'other', id: '1' }),
      'BAD_CONFIG',
      /cluster test.*cluster other/,
    );
    await (await open(path)).store.close();
  });
});

test('a book of another format is refused by its number, and left as it is', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const key = textKey('identity');
    const other = seal(key, [BOOK_FORMAT + 1, 'test', '1']);
    await tamper(path, async (db) => db.put(key, other));
    const numbers = new RegExp(`format ${BOOK_FORMAT + 1}, .* this process is format ${BOOK_FORMAT},`);
    await assertRejects(open(path), 'BAD_CONFIG', numbers);
    await tamper(path, async (db) => {
      assert.equal(Buffer.from(await db.get(key)), other);
      await db.put(key, identityRecord({ cluster: 'test', id: '1' }));
    });
    const { store, meta } = await open(path);
    assert.is(meta.applied, 5);
    await store.close();
  });
});

test('damage after opening is found when the record is read', async () => {
  await withFolder(async (path) => {
    await fill(path, [...ENTRIES, settling(6, 5, [FILLED, FILLED])]);
    const { store, meta } = await open(path);
    const garbage = { ...meta, orders: meta.orders + 1, changes: meta.changes + 1 };
    await assertRejects(collect(store.orders(0, garbage.orders)), 'LOG_DAMAGED', /order 5 is missing/);
    await assertRejects(readEffects(store, garbage, 0), 'LOG_DAMAGED', /missing/);
    assert.throws(() => store.orderAt(9), /order 9 is missing/);
    assert.throws(() => store.changeAt(9), /change 9 is missing/);
    await store.close();
  });
});

test('a write to a store that cannot write is a failure of the storage', async () => {
  await withFolder(async (path) => {
    const { store, meta } = await open(path);
    await store.close();
    await assertRejects(store.write([{ table: 'meta', value: meta }]), 'STORAGE_FAILED', /cannot be written/);
  });
});

test('a forgotten key is gone from the disk, and the book opens without it', async () => {
  await withFolder(async (path) => {
    const late = 26 * 60 * 60 * 1000;
    await fill(path, [...ENTRIES, entry(6, [buy('z')], { age: late })]);
    const { store, meta } = await open(path);
    assert.equal([meta.keys, meta.firstSeq], [3, 3]);
    assert.equal([store.place('a'), store.batch(1), store.outcomes(2)], [null, null, null]);
    assert.is(store.order(1)?.number, 1);
    await store.close();
  });
});

test('effects come in log order, a listing before the orders of its own batch', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const { store, meta } = await open(path);
    const all = [
      [1, 3, 'A', 5],
      [1, 0, 'A', 1],
      [3, 2, 'N', 5],
      [3, 0, 'A', 1],
    ];
    assert.equal(await readEffects(store, meta, 0), { index: 3, effects: all });
    assert.equal(await readEffects(store, meta, 1), { index: 3, effects: all.slice(2) });
    assert.equal(await readEffects(store, meta, 2), { index: 3, effects: all.slice(2) });
    assert.equal(await readEffects(store, meta, 3), { index: 3, effects: [] });
    await store.close();
  });
});

for (const kind of ['buy', 'restock'] as const) {
  test(`more effects than a page holds come page by page, whole batches each: ${kind}`, async () => {
    await withFolder(async (path) => {
      const size = 1500;
      const outcome = kind === 'buy' ? FILLED : DONE;
      const entries = Array.from({ length: 16 }, (_, i) => [
        entry(
          i * 2 + 1,
          Array.from({ length: size }, (__, j): Command => ({
            kind,
            key: `${i}-${j}`,
            name: 'A',
            quantity: 1,
          })),
        ),
        settling(i * 2 + 2, i * 2 + 1, new Array<typeof outcome>(size).fill(outcome)),
      ]).flat();
      await fill(path, entries);
      const { store, meta } = await open(path);
      const pages: number[][] = [];
      for (let after = 0; after < meta.settledIndex;) {
        const { index, effects } = await readEffects(store, meta, after);
        assert.ok(index > after);
        assert.ok(effects.every(([at]) => at > after && at <= index));
        pages.push([index, effects.length]);
        after = index;
      }
      assert.equal(pages, [
        [13, 7 * size],
        [27, 7 * size],
        [31, 2 * size],
      ]);
      assert.ok(7 * size < EFFECTS_MAX + size);
      await store.close();
    });
  });
}

test('keys of records are told in words', () => {
  assert.is(describeKey(numberKey('batch', 2 ** 40)), `batch ${2 ** 40}`);
  assert.is(describeKey(numberKey('page', 7)), 'page 7 of orders');
  assert.is(describeKey(textKey('key', 'my key')), 'key my key');
  assert.is(describeKey(textKey('meta')), 'meta');
  assert.match(describeKey(Buffer.from('?12345678')), /^unknown \d+$/);
});

test.run();
