/** A book given as a snapshot, and taken: it is the same book, and a crash leaves the one before or the new one. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Stock } from '@trireme/domain';
import { RaftError, makeEntry } from '@trireme/raft';
import { BookFolder } from './book-folder.js';
import { IdempotencyIndex } from './rules/idempotency-index.js';
import type { BookedOrder } from './rules/state.js';
import { buy, entry, seeding } from './rules/testing/batches.js';
import {
  LATER,
  applied,
  baseAt,
  booksOf,
  carry,
  contentOf,
  fill,
  from,
  logged,
  open,
  supportOf,
} from './testing/books.js';
import { ENTRIES, ordersOf } from './testing/stores.js';
import { withFolder } from './testing/folders.js';

const byName = (a: Stock, b: Stock): number => (a.name < b.name ? -1 : 1);

test('a book that went as a snapshot is the same book: hash, orders, keys and stocks', async () => {
  await withFolder(async (path) => {
    const source = await fill(join(path, '1'));
    const target = await open(join(path, '2'), '2');
    await carry(source, target);
    assert.equal(target.stored, source.stored);
    assert.equal([...target.book.stocks.all()].sort(byName), [...source.book.stocks.all()].sort(byName));
    assert.equal(supportOf(target).restored, baseAt(5));
    const known = new IdempotencyIndex(target.store);
    for (const key of ['a', 'r', 'l', 'b', 'c']) {
      assert.equal(known.find(key), new IdempotencyIndex(source.store).find(key), key);
    }
    for (const machine of [source, target]) await applied(machine, logged(LATER));
    assert.equal(target.stored, source.stored, 'and it goes on as the other one does');
    assert.is(target.store.order(5)?.number, 5);
    assert.is(target.applied, 8);
    await target.store.close();
    const again = await open(join(path, '2'), '2');
    assert.equal(again.stored, source.stored);
    assert.equal(supportOf(again).restored, baseAt(5));
    for (const { store } of [source, again]) await store.close();
  });
});

test('an empty book can be given, and one that was there is replaced', async () => {
  await withFolder(async (path) => {
    const source = await open(join(path, '1'));
    await applied(source, [makeEntry(1, 1, 'noop', new Uint8Array(0))]);
    const target = await fill(join(path, '2'));
    const view = supportOf(source).take();
    const staged = await supportOf(target).receive(baseAt(1), view.chunks());
    assert.is(target.stored.orders, 4, 'until it is installed nothing has changed');
    await staged.install();
    assert.equal([target.applied, target.stored.orders, target.store.order(1)], [1, 0, null]);
    await view.close();
    for (const { store } of [source, target]) await store.close();
  });
});

test('a view does not change while entries are applied', async () => {
  await withFolder(async (path) => {
    const source = await fill(join(path, '1'));
    const target = await open(join(path, '2'), '2');
    const before = source.stored;
    const view = supportOf(source).take();
    await applied(source, logged(LATER));
    const staged = await supportOf(target).receive(baseAt(5), view.chunks());
    await staged.install();
    await view.close();
    await view.close();
    assert.equal(target.stored, before);
    for (const { store } of [source, target]) await store.close();
  });
});

/** The number of the next order, null behind the last. */
async function nextNumber(orders: AsyncGenerator<BookedOrder>): Promise<number | null> {
  const next = await orders.next();
  return next.done === true ? null : next.value.number;
}

test('a book of thousands goes in chunks, and who reads the book before it reads on', async () => {
  await withFolder(async (path) => {
    const source = await open(join(path, '1'));
    const size = 3000;
    const commands = Array.from({ length: size }, (_, i) => buy(`k${i}`));
    await applied(source, logged([seeding(1), entry(2, commands)]));
    const target = await fill(join(path, '2'));
    const reading = ordersOf(target.store, 0, 2);
    const view = supportOf(target).take();
    assert.is(await nextNumber(reading), 1);
    assert.ok((await contentOf(supportOf(source).take())).length > 1, 'several chunks');
    await carry(source, target);
    assert.is(target.stored.orders, size);
    assert.is(await nextNumber(reading), 2, 'of the book before');
    assert.is(await nextNumber(reading), null);
    assert.ok((await contentOf(view)).length > 0);
    while (existsSync(join(path, '2', 'book'))) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(await booksOf(join(path, '2')), ['book-1', 'book.current']);
    for (const { store } of [source, target]) await store.close();
  });
});

test('records come out as they went in, one byte at a time', async () => {
  await withFolder(async (path) => {
    const source = await fill(join(path, '1'));
    const target = await open(join(path, '2'), '2');
    const whole = Buffer.concat(await contentOf(supportOf(source).take()));
    const bytes = Array.from(whole, (_, at) => whole.subarray(at, at + 1));
    const staged = await supportOf(target).receive(baseAt(5), from(bytes));
    await staged.install();
    assert.equal(target.stored, source.stored);
    for (const { store } of [source, target]) await store.close();
  });
});

test('a crash while one comes in, and one before it is installed: the book is the one before, the rest is removed', async () => {
  await withFolder(async (path) => {
    const source = await fill(join(path, '1'));
    const data = join(path, '2');
    const target = await fill(data, ENTRIES.slice(0, 2));
    const before = target.stored;
    const view = supportOf(source).take();
    await supportOf(target).receive(baseAt(5), view.chunks());
    await view.close();
    assert.equal(await booksOf(data), ['book', 'book-1']);
    // The process dies here: a lock on the new book is all that keeps its files busy, and another name is as good.
    await target.store.close();
    mkdirSync(join(data, 'book-7'));
    writeFileSync(join(data, 'book-7', '000003.log'), 'half of it');
    writeFileSync(join(data, 'book.current.new'), 'book-7');
    const again = await open(data);
    assert.equal(again.stored, before);
    assert.is(supportOf(again).restored, null);
    assert.equal(await booksOf(data), ['book']);
    for (const { store } of [source, again]) await store.close();
  });
});

test('a crash right after it became the book: the next start has it, and removes the one before', async () => {
  await withFolder(async (path) => {
    const source = await fill(join(path, '1'));
    const data = join(path, '2');
    const target = await fill(data, ENTRIES.slice(0, 2));
    await carry(source, target);
    await target.store.close();
    assert.is(readFileSync(join(data, 'book.current'), 'utf8'), 'book-1\n');
    mkdirSync(join(data, 'book'), { recursive: true });
    const again = await open(data);
    assert.equal(again.stored, source.stored);
    assert.equal(await booksOf(data), ['book-1', 'book.current']);
    await carry(source, again);
    assert.is(readFileSync(join(data, 'book.current'), 'utf8'), 'book-2\n');
    for (const { store } of [source, again]) await store.close();
  });
});

test('one that is discarded leaves nothing, and the next one has a place of its own', async () => {
  await withFolder(async (path) => {
    const source = await fill(join(path, '1'));
    const data = join(path, '2');
    const target = await open(data);
    const view = supportOf(source).take();
    const staged = await supportOf(target).receive(baseAt(5), view.chunks());
    await staged.discard();
    await view.close();
    assert.equal(await booksOf(data), ['book']);
    await carry(source, target);
    assert.equal(supportOf(target).restored, baseAt(5));
    for (const { store } of [source, target]) await store.close();
  });
});

test('a pointer that makes no sense, or names what is not there, is damage and no empty book', async () => {
  await withFolder(async (path) => {
    for (const text of ['book-3\n', 'book', '../book\n', '', 'log\n']) {
      writeFileSync(join(path, 'book.current'), text);
      const error: unknown = await BookFolder.open(path).catch((reason: unknown) => reason);
      assert.ok(error instanceof RaftError && error.code === 'LOG_DAMAGED', text);
    }
  });
});

test('a data folder that is not there yet has room for a first book', async () => {
  await withFolder(async (path) => {
    const { path: book } = await BookFolder.open(join(path, 'new'));
    assert.is(book, join(path, 'new', 'book'));
  });
});

test('sync says how far it made the book durable', async () => {
  await withFolder(async (path) => {
    const machine = await fill(path);
    assert.is(await supportOf(machine).sync(), 5);
    assert.ok(
      readdirSync(join(path, 'book')).some((name) => name.endsWith('.ldb')),
      'it is in a table',
    );
    await machine.store.close();
    const error: unknown = await supportOf(machine)
      .sync()
      .catch((reason: unknown) => reason);
    assert.ok(error instanceof RaftError && error.code === 'STORAGE_FAILED');
  });
});

test.run();
