/** The order book on the disk of a simulated replica. It survives crashes; a power loss drops what was not synced. */
import type { LogBase } from '@trireme/raft';
import type { Random } from '@trireme/raft-sim';
import {
  EMPTY_META,
  type BookMeta,
  type BookWrite,
  type StoredOrder,
  type RetainedBatch,
  type CommandPosition,
} from '@trireme/orders/simulation';
import type { Stock } from '@trireme/domain';

export class OrderBookTables {
  meta: BookMeta = EMPTY_META;
  readonly keys = new Map<string, CommandPosition>();
  readonly batches = new Map<number, RetainedBatch>();
  readonly orders = new Map<number, StoredOrder>();
  readonly stocks = new Map<string, Stock>();
  /** The base of the snapshot that was installed last; null if none was. */
  restored: LogBase | null = null;

  write(writes: readonly BookWrite[]): void {
    for (const write of writes) this.#writeOne(write);
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
        this.orders.set(write.value.number, write.value);
        return;
      case 'change':
        return;
      case 'stock':
        put(this.stocks, write.name, write.value);
    }
  }

  /** All contents in a canonical order, for comparison. */
  get contents(): unknown {
    const { meta, keys, batches, orders, stocks } = this;
    const sorted = [keys, batches, orders, stocks].map((table) =>
      [...table].sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    return [meta, ...sorted];
  }

  copy(): OrderBookTables {
    const copy = new OrderBookTables();
    copy.meta = this.meta;
    copy.restored = this.restored;
    for (const [key, place] of this.keys) copy.keys.set(key, place);
    for (const [seq, batch] of this.batches) copy.batches.set(seq, batch);
    for (const [number, order] of this.orders) copy.orders.set(number, order);
    for (const [name, stock] of this.stocks) copy.stocks.set(name, stock);
    return copy;
  }
}

function put<K, V>(table: Map<K, V>, key: K, value: V | null): void {
  if (value === null) table.delete(key);
  else table.set(key, value);
}

export class BookDisk {
  tables = new OrderBookTables();
  #synced = new OrderBookTables();
  /** Writes since the last sync, in order. Each one is atomic. */
  #unsynced: (readonly BookWrite[])[] = [];

  /** The applied index that survives a power loss. */
  get durableIndex(): number {
    return this.#synced.meta.applied;
  }

  /** Number of writes that are not synced. */
  get unsynced(): number {
    return this.#unsynced.length;
  }

  write(writes: readonly BookWrite[]): void {
    this.tables.write(writes);
    this.#unsynced.push(writes);
  }

  /** The first `count` unsynced writes are durable. */
  onSynced(count: number): void {
    for (const writes of this.#unsynced.splice(0, count)) this.#synced.write(writes);
  }

  /** Replaces the order book, atomically and durably. */
  replace(tables: OrderBookTables): void {
    this.tables = tables;
    this.#synced = tables.copy();
    this.#unsynced = [];
  }

  /** Drops the unsynced writes from a random one on. */
  losePower(random: Random): void {
    this.onSynced(random.below(this.#unsynced.length + 1));
    this.#unsynced = [];
    this.tables = this.#synced.copy();
  }
}
