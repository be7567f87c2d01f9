/** Snapshots of a book: the installed book is equal, and a crash leaves either the old or the new one. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Stock } from '@trireme/domain';
import { RaftError, makeEntry } from '@trireme/raft';
import { BookFolder } from './folder.js';
import { IdempotencyIndex } from '../rules/book/idempotency-index.js';
import type { StoredOrder } from '../rules/book/state.js';
import { buy, entry, seedEntry } from '../rules/testing/batches.js';
import {
  LATER_ENTRIES,
  applyAndStore,
  baseAt,
  bookFilesIn,
  installSnapshot,
  readChunks,
  fillMachine,
  toAsyncIterable,
  toLogEntries,
  openMachine,
  snapshotsOf,
} from '../testing/books.js';
import { ENTRIES, ordersOf } from '../testing/stores.js';
import { withFolder } from '../testing/folders.js';

const byName = (a: Stock, b: Stock): number => (a.name < b.name ? -1 : 1);

test('install makes an equal book: hash, orders, keys and stocks', async () => {
  await withFolder(async (path) => {
    const source = await fillMachine(join(path, '1'));
    const target = await openMachine(join(path, '2'), '2');
    await installSnapshot(source, target);
    assert.equal(target.stored, source.stored);
    assert.equal([...target.book.stocks.all()].sort(byName), [...source.book.stocks.all()].sort(byName));
    assert.equal(snapshotsOf(target).restoredBase, baseAt(5));
    const known = new IdempotencyIndex(target.store);
    for (const key of ['a', 'r', 'l', 'b', 'c']) {
      assert.equal(known.find(key), new IdempotencyIndex(source.store).find(key), key);
    }
    for (const machine of [source, target]) await applyAndStore(machine, toLogEntries(LATER_ENTRIES));
    assert.equal(target.stored, source.stored, 'both books stay equal');
    assert.is(target.store.records.order(5)?.number, 5);
    assert.is(target.applied, 8);
    await target.store.close();
    const again = await openMachine(join(path, '2'), '2');
    assert.equal(again.stored, source.stored);
    assert.equal(snapshotsOf(again).restoredBase, baseAt(5));
    for (const { store } of [source, again]) await store.close();
  });
});

test('install of a snapshot of an empty book replaces the current book', async () => {
  await withFolder(async (path) => {
    const source = await openMachine(join(path, '1'));
    await applyAndStore(source, [makeEntry(1, 1, 'noop', new Uint8Array(0))]);
    const target = await fillMachine(join(path, '2'));
    const view = snapshotsOf(source).createView();
    const staged = await snapshotsOf(target).receive(baseAt(1), view.chunks());
    assert.is(target.stored.orders, 4, 'unchanged until it is installed');
    await staged.install();
    assert.equal([target.applied, target.stored.orders, target.store.records.order(1)], [1, 0, null]);
    await view.close();
    for (const { store } of [source, target]) await store.close();
  });
});

test('take returns a view that does not change with later entries', async () => {
  await withFolder(async (path) => {
    const source = await fillMachine(join(path, '1'));
    const target = await openMachine(join(path, '2'), '2');
    const before = source.stored;
    const view = snapshotsOf(source).createView();
    await applyAndStore(source, toLogEntries(LATER_ENTRIES));
    const staged = await snapshotsOf(target).receive(baseAt(5), view.chunks());
    await staged.install();
    await view.close();
    await view.close();
    assert.equal(target.stored, before);
    for (const { store } of [source, target]) await store.close();
  });
});

/** The number of the next order; null after the last. */
async function nextNumber(orders: AsyncGenerator<StoredOrder>): Promise<number | null> {
  const next = await orders.next();
  return next.done === true ? null : next.value.number;
}

test('a large book is sent in chunks, and a running read of the old book continues', async () => {
  await withFolder(async (path) => {
    const source = await openMachine(join(path, '1'));
    const size = 3000;
    const commands = Array.from({ length: size }, (_, i) => buy(`k${i}`));
    await applyAndStore(source, toLogEntries([seedEntry(1), entry(2, commands)]));
    const target = await fillMachine(join(path, '2'));
    const reading = ordersOf(target.store, 0, 2);
    const view = snapshotsOf(target).createView();
    assert.is(await nextNumber(reading), 1);
    assert.ok((await readChunks(snapshotsOf(source).createView())).length > 1, 'several chunks');
    await installSnapshot(source, target);
    assert.is(target.stored.orders, size);
    assert.is(await nextNumber(reading), 2, 'from the old book');
    assert.is(await nextNumber(reading), null);
    assert.ok((await readChunks(view)).length > 0);
    while (existsSync(join(path, '2', 'book'))) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(await bookFilesIn(join(path, '2')), ['book-1', 'book.current']);
    for (const { store } of [source, target]) await store.close();
  });
});

test('receive accepts a snapshot one byte at a time', async () => {
  await withFolder(async (path) => {
    const source = await fillMachine(join(path, '1'));
    const target = await openMachine(join(path, '2'), '2');
    const whole = Buffer.concat(await readChunks(snapshotsOf(source).createView()));
    const bytes = Array.from(whole, (_, at) => whole.subarray(at, at + 1));
    const staged = await snapshotsOf(target).receive(baseAt(5), toAsyncIterable(bytes));
    await staged.install();
    assert.equal(target.stored, source.stored);
    for (const { store } of [source, target]) await store.close();
  });
});

test('after a crash before install the next start has the old book and removes the rest', async () => {
  await withFolder(async (path) => {
    const source = await fillMachine(join(path, '1'));
    const data = join(path, '2');
    const target = await fillMachine(data, ENTRIES.slice(0, 2));
    const before = target.stored;
    const view = snapshotsOf(source).createView();
    await snapshotsOf(target).receive(baseAt(5), view.chunks());
    await view.close();
    assert.equal(await bookFilesIn(data), ['book', 'book-1']);
    // Simulates a crash. The open store still locks `book-1`, so leftovers are created under other names.
    await target.store.close();
    mkdirSync(join(data, 'book-7'));
    writeFileSync(join(data, 'book-7', '000003.log'), 'half of it');
    writeFileSync(join(data, 'book.current.new'), 'book-7');
    const again = await openMachine(data);
    assert.equal(again.stored, before);
    assert.is(snapshotsOf(again).restoredBase, null);
    assert.equal(await bookFilesIn(data), ['book']);
    for (const { store } of [source, again]) await store.close();
  });
});

test('after a crash right after install the next start has the new book and removes the old one', async () => {
  await withFolder(async (path) => {
    const source = await fillMachine(join(path, '1'));
    const data = join(path, '2');
    const target = await fillMachine(data, ENTRIES.slice(0, 2));
    await installSnapshot(source, target);
    await target.store.close();
    assert.is(readFileSync(join(data, 'book.current'), 'utf8'), 'book-1\n');
    mkdirSync(join(data, 'book'), { recursive: true });
    const again = await openMachine(data);
    assert.equal(again.stored, source.stored);
    assert.equal(await bookFilesIn(data), ['book-1', 'book.current']);
    await installSnapshot(source, again);
    assert.is(readFileSync(join(data, 'book.current'), 'utf8'), 'book-2\n');
    for (const { store } of [source, again]) await store.close();
  });
});

test('discard removes the snapshot, and the next one gets a new path', async () => {
  await withFolder(async (path) => {
    const source = await fillMachine(join(path, '1'));
    const data = join(path, '2');
    const target = await openMachine(data);
    const view = snapshotsOf(source).createView();
    const staged = await snapshotsOf(target).receive(baseAt(5), view.chunks());
    await staged.discard();
    await view.close();
    assert.equal(await bookFilesIn(data), ['book']);
    await installSnapshot(source, target);
    assert.equal(snapshotsOf(target).restoredBase, baseAt(5));
    for (const { store } of [source, target]) await store.close();
  });
});

test('BookFolder.open reports a malformed pointer, or one to a missing book, as damage', async () => {
  await withFolder(async (path) => {
    for (const text of ['book-3\n', 'book', '../book\n', '', 'log\n']) {
      writeFileSync(join(path, 'book.current'), text);
      const error: unknown = await BookFolder.open(path).catch((reason: unknown) => reason);
      assert.ok(error instanceof RaftError && error.code === 'LOG_DAMAGED', text);
    }
  });
});

test('BookFolder.open of a missing data folder returns the path of a first book', async () => {
  await withFolder(async (path) => {
    const { path: book } = await BookFolder.open(join(path, 'new'));
    assert.is(book, join(path, 'new', 'book'));
  });
});

test('sync returns the log index up to which the book is durable', async () => {
  await withFolder(async (path) => {
    const machine = await fillMachine(path);
    assert.is(await snapshotsOf(machine).sync(), 5);
    assert.ok(
      readdirSync(join(path, 'book')).some((name) => name.endsWith('.ldb')),
      'the book is in a table',
    );
    await machine.store.close();
    const error: unknown = await snapshotsOf(machine)
      .sync()
      .catch((reason: unknown) => reason);
    assert.ok(error instanceof RaftError && error.code === 'STORAGE_FAILED');
  });
});

test.run();
