import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identityRecord } from './book-identity.js';
import { BOOK_FORMAT, describeKey, numberKey, seal, textKey } from './records.js';
import { DONE, FILLED, REJECTED, STOCKS, buy, entry, seeding } from './rules/testing/batches.js';
import { BookStore } from './store.js';
import { withFolder } from './testing/folders.js';
import { ENTRIES, applyTo, assertRejects, bookOf, fill, open, ordersOf, tamper } from './testing/stores.js';

async function collect<T>(rows: AsyncGenerator<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

test('a new book is empty, and one that is opened again is as it was left', async () => {
  await withFolder(async (path) => {
    const fresh = await open(path);
    assert.is(fresh.meta.applied, 0);
    assert.equal(fresh.stocks, []);
    await fresh.store.close();
    const meta = await fill(path, ENTRIES);
    const opened = await open(path);
    const { store, meta: again } = opened;
    assert.equal(again, meta);
    assert.equal(store.place('b'), { seq: 2, position: 1 });
    assert.is(store.place('nobody'), null);
    assert.equal(store.batch(1)?.skip, [2]);
    const { seq, index, firstNumber, outcomes } = store.batch(2) ?? {};
    assert.equal([seq, index, firstNumber, outcomes], [2, 3, 2, [DONE, FILLED, REJECTED]]);
    assert.equal(store.order(2), {
      number: 2,
      name: 'A',
      type: 'buy',
      quantity: 1,
      price: 500,
      time: 1000,
      index: 3,
    });
    assert.is(store.order(5), null);
    assert.equal(store.changeAt(2), { change: 2, index: 3, kind: 'list', name: 'N', amount: 5 });
    assert.equal(
      (await collect(ordersOf(store, 1, 2))).map(({ number }) => number),
      [2],
    );
    assert.equal(await collect(ordersOf(store, 2, 2)), []);
    await applyTo(store, bookOf(opened), [entry(6, [buy('f')])]);
    assert.is(store.order(5)?.number, 5);
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
    await fill(path, ENTRIES);
    const { store, meta } = await open(path);
    await assertRejects(collect(ordersOf(store, 0, meta.orders + 1)), 'LOG_DAMAGED', /order 5 is missing/);
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
    assert.equal([store.place('a'), store.batch(1), store.batch(2)], [null, null, null]);
    assert.is(store.order(1)?.number, 1);
    await store.close();
  });
});

test('a stock is as the last batch left it, also after many writes and opens', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    await fill(path, [entry(6, [buy('z', 40)])]);
    const { store, stocks } = await open(path);
    assert.equal(
      [...stocks].sort((a, b) => (a.name < b.name ? -1 : 1)),
      [
        { name: 'A', price: 500, quantity: 99_961, version: 6 },
        { name: 'N', price: 5, quantity: 0, version: 3 },
      ],
    );
    await store.check();
    await store.close();
  });
});

test('a stock of a seed that was interrupted goes from the disk', async () => {
  await withFolder(async (path) => {
    const other = { name: 'OTHER', price: 5, quantity: 5 };
    await fill(path, [seeding(1, [other], { parts: 2 })]);
    const half = await open(path);
    assert.equal([half.stocks.length, half.meta.seedApplied, half.meta.seedParts], [1, 1, 2]);
    await half.store.close();
    await fill(path, [seeding(2, STOCKS, { life: 'b0'.repeat(8) })]);
    const { store, meta, stocks } = await open(path);
    assert.equal([...stocks], [{ name: 'A', price: 500, quantity: 100_000, version: 0 }]);
    assert.equal([meta.life, meta.seedHash.length, meta.stocks], ['b0'.repeat(8), 64, 1]);
    await store.check();
    await store.close();
  });
});

test('the set of catalogs is kept, and none is another thing than none named', async () => {
  await withFolder(async (path) => {
    for (const [index, catalogs] of [
      [6, ['catalog-1', 'catalog-2']],
      [7, []],
    ] as const) {
      await fill(path, [...(index === 6 ? ENTRIES : []), entry(index, [], { catalogs })]);
      const { store, meta } = await open(path);
      assert.equal([meta.catalogs, meta.catalogsIndex], [catalogs, index]);
      await store.close();
    }
  });
});

test('keys of records are told in words', () => {
  assert.is(describeKey(numberKey('batch', 2 ** 40)), `batch ${2 ** 40}`);
  assert.is(describeKey(numberKey('page', 7)), 'page 7 of orders');
  assert.is(describeKey(textKey('key', 'my key')), 'key my key');
  assert.is(describeKey(textKey('meta')), 'meta');
  assert.match(describeKey(Buffer.from('?12345678')), /^unknown \d+$/);
});

test.run();
