/** A book's records in memory: what the rules read is what was written before. */
import type { Stock } from '@trireme/domain';
import { Book } from '../book.js';
import {
  EMPTY_META,
  type BookEntry,
  type BookMeta,
  type BookReader,
  type BookWrite,
  type BookedOrder,
  type DecidedBatch,
  type KeptBatch,
  type Place,
  type StockChange,
} from '../state.js';

export class MemoryStore implements BookReader {
  meta: BookMeta = EMPTY_META;
  readonly keys = new Map<string, Place>();
  readonly batches = new Map<number, KeptBatch>();
  readonly orders = new Map<number, BookedOrder>();
  readonly changes = new Map<number, StockChange>();
  readonly stocks = new Map<string, Stock>();

  /** The book as it is stored here: what a replica that restarts begins with. */
  open(): Book {
    return new Book(this, this.meta, this.stocks.values());
  }

  write(writes: readonly BookWrite[]): void {
    for (const write of writes) this.#writeOne(write);
  }

  /** Has the book apply the entries, and takes in what it makes of them. */
  apply(book: Book, entries: readonly BookEntry[]): readonly DecidedBatch[] {
    const decided = book.apply(entries);
    this.write(book.takeWrites());
    book.written();
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

  place(key: string): Place | null {
    return this.keys.get(key) ?? null;
  }

  batch(seq: number): KeptBatch | null {
    return this.batches.get(seq) ?? null;
  }

  /** Everything that it holds, for comparing two of them. */
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
