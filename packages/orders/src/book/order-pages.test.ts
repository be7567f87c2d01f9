/** Order pages on disk, for any split into writes and any number of reopens. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, type Command } from '@trireme/domain';
import { examineBook } from './examine.js';
import { numberKey, pageRecord, readOrder, readPage, unseal } from './codec.js';
import { PAGE_ORDERS } from '../rules/book/order-pages.js';
import { TOO_MANY, buy, entry, seedEntry } from '../rules/testing/batches.js';
import type { BookEntry, StoredOrder } from '../rules/book/state.js';
import type { BookStore } from './store.js';
import { withFolder } from '../testing/folders.js';
import {
  applyTo,
  assertRejects,
  bookOf,
  fillStore,
  openStore,
  ordersOf,
  modifyRecords,
} from '../testing/stores.js';

/** Numbers of filled orders per batch; each batch also has a rejected order at its start. */
const BATCHES = [1, 5, 26, 1, 40, 64, 31, 2] as const;
const TOTAL = BATCHES.reduce<number>((sum, size) => sum + size, 0);

/** A batch of `size` filled orders, after a rejected one. */
function filledBatch(index: number, size: number): BookEntry {
  const commands: Command[] = Array.from({ length: size }, (_, i) => buy(`${index}-${i}`));
  return entry(index, [buy(`${index}-rejected`, TOO_MANY), ...commands], { time: index * 1000 });
}

const ENTRIES = [seedEntry(1), ...BATCHES.map((size, i) => filledBatch(i + 2, size))];

async function collect(store: BookStore, after: number, last: number): Promise<readonly StoredOrder[]> {
  const orders: StoredOrder[] = [];
  for await (const order of ordersOf(store, after, last)) orders.push(order);
  return orders;
}

test('order and orderSlices return the same orders, wherever writes and reopens fall', async () => {
  await withFolder(async (data) => {
    const path = join(data, 'book');
    let last = 0;
    await fillStore(path, ENTRIES.slice(0, 1));
    for (const [i, size] of BATCHES.entries()) {
      await fillStore(path, ENTRIES.slice(i + 1, i + 2));
      last += size;
      const { store, meta } = await openStore(path);
      assert.is(meta.orders, last);
      await store.check();
      const { index, time, number } = store.orderAt(last);
      assert.equal([index, time, number], [i + 2, (i + 2) * 1000, last]);
      assert.is(store.records.order(last + 1), null);
      await store.close();
    }
    const { store } = await openStore(path);
    const all = await collect(store, 0, last);
    assert.equal(
      all.map(({ number }) => number),
      Array.from({ length: TOTAL }, (_, i) => i + 1),
    );
    for (const order of all) assert.equal(store.records.order(order.number), order);
    for (const [after, to] of [
      [0, 1],
      [31, 33],
      [32, 64],
      [33, 34],
      [TOTAL - 1, TOTAL],
    ] as const) {
      assert.equal(await collect(store, after, to), all.slice(after, to));
    }
    assert.equal(await collect(store, 5, 5), []);
    await store.close();
    const orders = (await examineBook(data))?.orders;
    assert.equal([orders?.intact, orders?.missing.count, orders?.damaged.count], [TOTAL, 0, 0]);
  });
});

test('write of many batches at once makes the same pages as one write per batch', async () => {
  const pages = async (path: string): Promise<readonly (readonly [string, string])[]> => {
    const found: [string, string][] = [];
    await modifyRecords(path, async (db) => {
      for await (const [key, value] of db.iterator({ gte: numberKey('page', 1), lte: numberKey('page', 99) }))
        found.push([Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex')]);
    });
    return found;
  };
  await withFolder(async (path) => {
    await fillStore(join(path, 'one'), ENTRIES);
    const other = await openStore(join(path, 'other'));
    await applyTo(other.store, bookOf(other), ENTRIES);
    await other.store.close();
    const one = await pages(join(path, 'one'));
    assert.is(one.length, Math.ceil(TOTAL / PAGE_ORDERS));
    assert.equal(await pages(join(path, 'other')), one);
  });
});

test('check, open and reads report an order page with too few or too many orders', async () => {
  await withFolder(async (data) => {
    const path = join(data, 'book');
    await fillStore(path, ENTRIES);
    const { store } = await openStore(path);
    const all = await collect(store, 0, TOTAL);
    await store.close();
    const lastPage = Math.ceil(TOTAL / PAGE_ORDERS);
    const put = async (page: number, orders: readonly StoredOrder[]): Promise<void> =>
      modifyRecords(path, async (db) => {
        const { key, value } = pageRecord(page, orders);
        await db.put(key, value);
      });
    const onPage = (page: number): readonly StoredOrder[] =>
      all.slice((page - 1) * PAGE_ORDERS, page * PAGE_ORDERS);
    const extra = all.slice(0, 1);
    for (const [page, orders, message, damaged] of [
      [2, onPage(2).slice(0, -1), /order 64 is missing/, '33 to 64'],
      [2, [], /order 33 is missing/, '33 to 64'],
      [2, [...onPage(2), ...extra], /order 65 is unexpected/, '33 to 64'],
      [lastPage, [...onPage(lastPage), ...extra], new RegExp(`order ${TOTAL + 1} is unexpected`), null],
    ] as const) {
      await put(page, orders);
      const opened = await openStore(path);
      await assertRejects(opened.store.check(), 'LOG_DAMAGED', message);
      await opened.store.close();
      const examined = (await examineBook(data))?.orders;
      const firstOfLast = (lastPage - 1) * PAGE_ORDERS + 1;
      assert.is(examined?.damaged.toString(), damaged ?? `${firstOfLast} to ${TOTAL}`);
      await put(page, onPage(page));
    }
    await put(lastPage, onPage(lastPage).slice(0, -1));
    await assertRejects(openStore(path), 'LOG_DAMAGED', new RegExp(`order ${TOTAL} is missing`));
    await put(lastPage, onPage(lastPage));
    await put(3, onPage(3).slice(0, -2));
    const short = await openStore(path);
    await assertRejects(collect(short.store, 0, TOTAL), 'LOG_DAMAGED', /order 95 is missing/);
    assert.throws(() => short.store.orderAt(96), /order 96 is missing/);
    await short.store.close();
  });
});

test('pageRecord round-trips any names and amounts, read as a whole and one by one', () => {
  const orders = Array.from({ length: PAGE_ORDERS }, (_, i): StoredOrder => ({
    number: 65 + i,
    index: 2 ** 40 + Math.floor(i / 5),
    time: 1_700_000_000_000 + Math.floor(i / 5),
    name: i % 3 === 0 ? 'Ünïcode & so on' : `S${i % 7}`,
    type: i % 2 === 0 ? 'buy' : 'sell',
    quantity: 2 ** (i % 31),
    price: 1 + i * 1_000_003,
  }));
  const { key, value } = pageRecord(3, orders);
  const content = unseal(key, value);
  assert.equal(readPage(3, content), orders);
  for (const order of orders) assert.equal(readOrder(order.number, content), order);
  const short = pageRecord(3, orders.slice(0, 7));
  assert.equal(readOrder(71, unseal(short.key, short.value)), orders[6]);
  assert.is(readOrder(72, unseal(short.key, short.value)), null);
});

for (const [what, page] of [
  ['a number instead of a list', 7],
  ['no names', []],
  ['a malformed group', [['A'], 7]],
  ['part of an order', [['A'], [1, 2, 0, 0, 1]]],
  ['a group without orders', [['A'], [1, 2]]],
  ['the index of a missing name', [['A'], [1, 2, 0, 1, 1, 1]]],
  ['an unknown order type', [['A'], [1, 2, 2, 0, 1, 1]]],
  ['a quantity of zero', [['A'], [1, 2, 0, 0, 0, 1]]],
] as const) {
  test(`readPage rejects a page with ${what}`, () => {
    const isRefusal = (error: unknown): boolean => error instanceof FormatError;
    assert.throws(() => readPage(1, page), isRefusal);
    assert.throws(() => readOrder(1, page), isRefusal);
  });
}

test('write rejects an order that does not follow the last one', async () => {
  await withFolder(async (path) => {
    const { store } = await openStore(path);
    const value = { number: 2, name: 'A', type: 'buy', quantity: 1, price: 1, time: 1, index: 1 } as const;
    let message = '';
    await store.write([{ table: 'order', value }]).catch((error: unknown) => (message = String(error)));
    assert.match(message, /order 2 is written after 0/);
    assert.is(store.records.order(2), null);
    await store.close();
  });
});

test.run();
