/** Books on disk for the tests: one with a record of each table, and ways to change it behind the store's back. */
import { Level } from 'level';
import * as assert from 'uvu/assert';
import type { Command } from '@trireme/domain';
import { RaftError, type RaftErrorCode } from '@trireme/raft';
import { Book } from '../rules/book.js';
import type { BookEntry, BookMeta, BookedOrder, DecidedBatch } from '../rules/state.js';
import { TOO_MANY, buy, entry, seeding } from '../rules/testing/batches.js';
import { BookStore } from '../store.js';

const IDENTITY = { cluster: 'test', id: '1' };
const RESTOCK: Command = { kind: 'restock', key: 'r', name: 'A', quantity: 5 };
const LIST: Command = { kind: 'list', key: 'l', name: 'N', price: 5 };

/** One that stands on a page of keys, `01234567-89ab`. */
export const PAGED_KEY = '01234567-89ab-7000-8000-000000000001';

/** One record of each table at least: four orders, of which the log calls two visible, in three batches. */
export const ENTRIES = [
  seeding(1),
  entry(2, [buy('a'), RESTOCK, buy('a')]),
  entry(3, [LIST, buy('b'), buy('c', TOO_MANY)], { visibleOrders: 1 }),
  entry(4, [], { visibleOrders: 2 }),
  entry(5, [buy(PAGED_KEY), buy('e')], { visibleOrders: 2 }),
];

/** The rules on what was stored. */
export function bookOf({ store, meta, stocks }: Awaited<ReturnType<typeof open>>): Book {
  return new Book(store, meta, stocks);
}

export async function open(path: string): Promise<Awaited<ReturnType<typeof BookStore.open>>> {
  return BookStore.open({ path, ...IDENTITY });
}

/** Has the book apply the entries, and stores what it makes of them. */
export async function applyTo(
  store: BookStore,
  book: Book,
  entries: readonly BookEntry[],
): Promise<readonly DecidedBatch[]> {
  const decided = book.apply(entries);
  await store.write(book.takeWrites());
  book.written();
  return decided;
}

export async function fill(path: string, entries: readonly BookEntry[]): Promise<BookMeta> {
  const opened = await open(path);
  const { store } = opened;
  const book = bookOf(opened);
  for (const one of entries) await applyTo(store, book, [one]);
  await store.close();
  return book.meta;
}

/** Orders with numbers above `after` up to `last`, one by one. */
export async function* ordersOf(store: BookStore, after: number, last: number): AsyncGenerator<BookedOrder> {
  for await (const slice of store.orderSlices(after, last, null)) yield* slice.orders();
}

/** Changes the records behind the store's back. */
export async function tamper(
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
