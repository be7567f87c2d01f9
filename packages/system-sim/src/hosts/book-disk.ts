/** Where a simulated replica keeps its book: tables that survive its process; a power loss takes what was not synced. */
import type { LogBase } from '@trireme/raft';
import {
  EMPTY_META,
  type BookMeta,
  type BookWrite,
  type BookedOrder,
  type KeptBatch,
  type Place,
} from '@trireme/orders/simulation';
import type { Stock } from '@trireme/domain';
import type { Random } from '@trireme/raft/sim';

export class Tables {
  meta: BookMeta = EMPTY_META;
  readonly keys = new Map<string, Place>();
  readonly batches = new Map<number, KeptBatch>();
  readonly orders = new Map<number, BookedOrder>();
  readonly stocks = new Map<string, Stock>();
  /** What snapshot they came from, null if from none. */
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

  /** Everything in it, for comparing two of them. */
  get contents(): unknown {
    const { meta, keys, batches, orders, stocks } = this;
    const sorted = [keys, batches, orders, stocks].map((table) =>
      [...table].sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    return [meta, ...sorted];
  }

  copy(): Tables {
    const copy = new Tables();
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
  tables = new Tables();
  #synced = new Tables();
  /** Written since, in order; each is there wholly or not at all. */
  #unsynced: (readonly BookWrite[])[] = [];

  /** The log index up to which a power loss takes nothing. */
  get syncedTo(): number {
    return this.#synced.meta.applied;
  }

  /** How many writes are not synced. */
  get unsynced(): number {
    return this.#unsynced.length;
  }

  write(writes: readonly BookWrite[]): void {
    this.tables.write(writes);
    this.#unsynced.push(writes);
  }

  /** The first `count` writes that were not synced survive a power loss from now on. */
  synced(count: number): void {
    for (const writes of this.#unsynced.splice(0, count)) this.#synced.write(writes);
  }

  /** Another book takes the place of this one, at once and for good. */
  replace(tables: Tables): void {
    this.tables = tables;
    this.#synced = tables.copy();
    this.#unsynced = [];
  }

  /** Some of what was not synced is gone, from some write on. */
  losePower(random: Random): void {
    this.synced(random.below(this.#unsynced.length + 1));
    this.#unsynced = [];
    this.tables = this.#synced.copy();
  }
}
