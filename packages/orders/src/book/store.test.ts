import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identityRecord } from './identity.js';
import { BOOK_FORMAT, describeKey, numberKey, seal, textKey } from './codec.js';
import { DONE, FILLED, REJECTED, STOCKS, buy, entry, seedEntry } from '../rules/testing/batches.js';
import { BookStore } from './store.js';
import { withFolder } from '../testing/folders.js';
import {
  ENTRIES,
  applyTo,
  assertRejects,
  bookOf,
  fillStore,
  openStore,
  ordersOf,
  modifyRecords,
} from '../testing/stores.js';

async function collect<T>(rows: AsyncGenerator<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

test('open of a new book is empty, and of an existing one returns its state', async () => {
  await withFolder(async (path) => {
    const fresh = await openStore(path);
    assert.is(fresh.meta.applied, 0);
    assert.equal(fresh.stocks, []);
    await fresh.store.close();
    const meta = await fillStore(path, ENTRIES);
    const opened = await openStore(path);
    const { store, meta: again } = opened;
    assert.equal(again, meta);
    assert.equal(store.positionOf('b'), { seq: 2, position: 1 });
    assert.is(store.positionOf('unknown'), null);
    assert.equal(store.batch(1)?.skip, [2]);
    const { seq, index, firstNumber, outcomes } = store.batch(2) ?? {};
    assert.equal([seq, index, firstNumber, outcomes], [2, 3, 2, [DONE, FILLED, REJECTED]]);
    assert.equal(store.records.order(2), {
      number: 2,
      name: 'A',
      type: 'buy',
      quantity: 1,
      price: 500,
      time: 1000,
      index: 3,
    });
    assert.is(store.records.order(5), null);
    assert.equal(store.records.changeAt(2), { change: 2, index: 3, kind: 'list', name: 'N', amount: 5 });
    assert.equal(
      (await collect(ordersOf(store, 1, 2))).map(({ number }) => number),
      [2],
    );
    assert.equal(await collect(ordersOf(store, 2, 2)), []);
    await applyTo(store, bookOf(opened), [entry(6, [buy('f')])]);
    assert.is(store.records.order(5)?.number, 5);
    await store.close();
  });
});

test('open fails while the book is open elsewhere', async () => {
  await withFolder(async (path) => {
    const { store } = await openStore(path);
    await assertRejects(openStore(path), 'BAD_CONFIG', /cannot open the order book/);
    await store.close();
  });
});

test('open rejects a book of another replica or another cluster', async () => {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    await assertRejects(
      BookStore.open({ path, cluster: 'test', id: '2' }),
      'BAD_CONFIG',
      /replica 1; this process needs .* replica 2/,
    );
    await assertRejects(
      BookStore.open({ path, cluster: 'other', id: '1' }),
      'BAD_CONFIG',
      /cluster test.*cluster other/,
    );
    await (await openStore(path)).store.close();
  });
});

test('open rejects a book of an older or a newer format and leaves it unchanged', async () => {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    const key = textKey('identity');
    for (const format of [BOOK_FORMAT - 1, BOOK_FORMAT + 1]) {
      const other = seal(key, [format, 'test', '1']);
      await modifyRecords(path, async (db) => db.put(key, other));
      const numbers = new RegExp(`format ${format}, .* this process needs format ${BOOK_FORMAT},`);
      await assertRejects(openStore(path), 'BAD_CONFIG', numbers);
      await modifyRecords(path, async (db) => {
        assert.equal(Buffer.from(await db.get(key)), other);
        await db.put(key, identityRecord({ cluster: 'test', id: '1' }));
      });
    }
    const { store, meta } = await openStore(path);
    assert.is(meta.applied, 5);
    await store.close();
  });
});

test('reads report records that are missing', async () => {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    const { store, meta } = await openStore(path);
    await assertRejects(collect(ordersOf(store, 0, meta.orders + 1)), 'LOG_DAMAGED', /order 5 is missing/);
    assert.throws(() => store.orderAt(9), /order 9 is missing/);
    assert.throws(() => store.records.changeAt(9), /change 9 is missing/);
    await store.close();
  });
});

test('write to a closed store fails with STORAGE_FAILED', async () => {
  await withFolder(async (path) => {
    const { store, meta } = await openStore(path);
    await store.close();
    await assertRejects(
      store.write([{ table: 'meta', value: meta }]),
      'STORAGE_FAILED',
      /cannot write the order book at/,
    );
  });
});

test('an expired key is deleted from the disk', async () => {
  await withFolder(async (path) => {
    const late = 26 * 60 * 60 * 1000;
    await fillStore(path, [...ENTRIES, entry(6, [buy('z')], { age: late })]);
    const { store, meta } = await openStore(path);
    assert.equal([meta.keys, meta.firstSeq], [3, 3]);
    assert.equal([store.positionOf('a'), store.batch(1), store.batch(2)], [null, null, null]);
    assert.is(store.records.order(1)?.number, 1);
    await store.close();
  });
});

test('stocks are as of the last batch, also after several writes and opens', async () => {
  await withFolder(async (path) => {
    await fillStore(path, ENTRIES);
    await fillStore(path, [entry(6, [buy('z', 40)])]);
    const { store, stocks } = await openStore(path);
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

test('stocks of an interrupted seed are deleted from the disk', async () => {
  await withFolder(async (path) => {
    const other = { name: 'OTHER', price: 5, quantity: 5 };
    await fillStore(path, [seedEntry(1, [other], { parts: 2 })]);
    const half = await openStore(path);
    assert.equal([half.stocks.length, half.meta.seedApplied, half.meta.seedParts], [1, 1, 2]);
    await half.store.close();
    await fillStore(path, [seedEntry(2, STOCKS, { life: 'b0'.repeat(8) })]);
    const { store, meta, stocks } = await openStore(path);
    assert.equal([...stocks], [{ name: 'A', price: 500, quantity: 100_000, version: 0 }]);
    assert.equal([meta.life, meta.seedHash.length, meta.stocks], ['b0'.repeat(8), 64, 1]);
    await store.check();
    await store.close();
  });
});

test('the catalog set is stored; an empty set differs from none', async () => {
  await withFolder(async (path) => {
    for (const [index, catalogs] of [
      [6, ['catalog-1', 'catalog-2']],
      [7, []],
    ] as const) {
      await fillStore(path, [...(index === 6 ? ENTRIES : []), entry(index, [], { catalogs })]);
      const { store, meta } = await openStore(path);
      assert.equal([meta.catalogs, meta.catalogsIndex], [catalogs, index]);
      await store.close();
    }
  });
});

test('describeKey describes keys of all tables', () => {
  assert.is(describeKey(numberKey('batch', 2 ** 40)), `batch ${2 ** 40}`);
  assert.is(describeKey(numberKey('page', 7)), 'order page 7');
  assert.is(describeKey(textKey('key', 'my key')), 'key my key');
  assert.is(describeKey(textKey('meta')), 'meta');
  assert.match(describeKey(Buffer.from('?12345678')), /^unknown \d+$/);
});

test.run();
