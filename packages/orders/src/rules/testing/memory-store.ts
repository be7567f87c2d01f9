/** A book's records in memory. */
import type { Stock } from '@trireme/domain';
import { Book } from '../book/book.js';
import {
  EMPTY_META,
  type BookEntry,
  type BookMeta,
  type BookReader,
  type BookWrite,
  type StoredOrder,
  type DecidedBatch,
  type RetainedBatch,
  type CommandPosition,
  type StockChange,
} from '../book/state.js';

export class MemoryStore implements BookReader {
  meta: BookMeta = EMPTY_META;
  readonly keys = new Map<string, CommandPosition>();
  readonly batches = new Map<number, RetainedBatch>();
  readonly orders = new Map<number, StoredOrder>();
  readonly changes = new Map<number, StockChange>();
  readonly stocks = new Map<string, Stock>();

  /** The stored book, as a replica reads it after a restart. */
  open(): Book {
    return new Book(this, this.meta, this.stocks.values());
  }

  write(writes: readonly BookWrite[]): void {
    for (const write of writes) this.#writeOne(write);
  }

  /** Applies the entries to the book and stores its writes. */
  apply(book: Book, entries: readonly BookEntry[]): readonly DecidedBatch[] {
    const decided = book.apply(entries);
    this.write(book.takeWrites());
    book.onWritten();
    return decided;
  }

  #writeOne(write: BookWrite): void {
    switch (write.table) {
      case 'meta':
        this.meta = write.value;
        return;
      case 'key':
        put(this.keys, write.key, write.value);
        return;
      case 'batch':
        put(this.batches, write.seq, write.value);
        return;
      case 'order':
        put(this.orders, write.value.number, write.value);
        return;
      case 'change':
        put(this.changes, write.value.change, write.value);
        return;
      case 'stock':
        put(this.stocks, write.name, write.value);
    }
  }

  positionOf(key: string): CommandPosition | null {
    return this.keys.get(key) ?? null;
  }

  batch(seq: number): RetainedBatch | null {
    return this.batches.get(seq) ?? null;
  }

  /** All records, for comparing two stores. */
  get contents(): unknown {
    const { meta, keys, batches, orders, changes, stocks } = this;
    return [meta, ...[keys, batches, orders, changes, stocks].map((table) => [...table].sort(byKey))];
  }
}

function put<K, V>(table: Map<K, V>, key: K, value: V | null): void {
  if (value === null) table.delete(key);
  else table.set(key, value);
}

function byKey(a: readonly [string | number, unknown], b: readonly [string | number, unknown]): number {
  if (a[0] === b[0]) return 0;
  return a[0] < b[0] ? -1 : 1;
}
