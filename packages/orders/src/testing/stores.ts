/**
 * Order books on disk for tests, one of them with a record of each table, and ways to modify their records
 * directly.
 */
import { Level } from 'level';
import * as assert from 'uvu/assert';
import type { Command } from '@trireme/domain';
import { RaftError, type RaftErrorCode } from '@trireme/raft';
import { Book } from '../rules/book/book.js';
import type { BookEntry, BookMeta, StoredOrder, DecidedBatch } from '../rules/book/state.js';
import { TOO_MANY, buy, entry, seedEntry } from '../rules/testing/batches.js';
import { BookStore } from '../book/store.js';

const IDENTITY = { cluster: 'test', id: '1' };
const RESTOCK: Command = { kind: 'restock', key: 'r', name: 'A', quantity: 5 };
const LIST: Command = { kind: 'list', key: 'l', name: 'N', price: 5 };

/** Entries that make at least one record of each table: four orders, two of them visible, in three batches. */
export const ENTRIES = [
  seedEntry(1),
  entry(2, [buy('a'), RESTOCK, buy('a')]),
  entry(3, [LIST, buy('b'), buy('c', TOO_MANY)], { visibleOrders: 1 }),
  entry(4, [], { visibleOrders: 2 }),
  entry(5, [buy('d'), buy('e')], { visibleOrders: 2 }),
];

/** The book of an opened store. */
export function bookOf({ store, meta, stocks }: Awaited<ReturnType<typeof openStore>>): Book {
  return new Book(store, meta, stocks);
}

export async function openStore(path: string): Promise<Awaited<ReturnType<typeof BookStore.open>>> {
  return BookStore.open({ path, ...IDENTITY });
}

/** Applies the entries to the book and stores its writes. */
export async function applyTo(
  store: BookStore,
  book: Book,
  entries: readonly BookEntry[],
): Promise<readonly DecidedBatch[]> {
  const decided = book.apply(entries);
  await store.write(book.takeWrites());
  book.onWritten();
  return decided;
}

export async function fillStore(path: string, entries: readonly BookEntry[]): Promise<BookMeta> {
  const opened = await openStore(path);
  const { store } = opened;
  const book = bookOf(opened);
  for (const one of entries) await applyTo(store, book, [one]);
  await store.close();
  return book.meta;
}

/** Orders with numbers above `after` up to `last`, one by one. */
export async function* ordersOf(store: BookStore, after: number, last: number): AsyncGenerator<StoredOrder> {
  for await (const slice of store.orderSlices(after, last, null)) yield* slice.orders();
}

/** Modifies the records directly in LevelDB. */
export async function modifyRecords(
  path: string,
  change: (db: Level<Uint8Array, Uint8Array>) => Promise<void>,
): Promise<void> {
  const db = new Level<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' });
  await db.open();
  await change(db);
  await db.close();
}

export async function assertRejects(
  promise: Promise<unknown>,
  code: RaftErrorCode,
  message: RegExp,
): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, RaftError);
    if (!(error instanceof RaftError)) return;
    assert.is(error.code, code);
    assert.match(error.message, message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}
