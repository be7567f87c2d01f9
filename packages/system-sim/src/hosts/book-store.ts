/** The order book store of one replica instance, and its snapshots. */
import { pack, unpack, type Stock } from '@trireme/domain';
import type { LogBase, LogIndex, SnapshotSupport, SnapshotView, StagedSnapshot } from '@trireme/raft';
import { TimedWrites, type DiskSchedule } from '@trireme/raft-sim';
import {
  Book,
  type BookStateMachine,
  type BookMeta,
  type BookStorage,
  type BookWrite,
  type StoredOrder,
  type RetainedBatch,
  type OrderSlice,
  type CommandPosition,
} from '@trireme/orders/simulation';
import { OrderBookTables, type BookDisk } from './book-disk.js';

const SLICE_ORDERS = 32;
/** Size of a snapshot chunk, in bytes. */
const CHUNK_BYTES = 4_000;

export class SimBookStore implements BookStorage {
  readonly #disk: BookDisk;
  readonly #later: (run: () => void) => void;
  #inProgress: (readonly BookWrite[])[] = [];

  /** @param later calls `run` after the duration of a write */
  constructor(disk: BookDisk, later: (run: () => void) => void) {
    this.#disk = disk;
    this.#later = later;
  }

  /** Opens the stored order book. */
  openBook(): Book {
    const { meta, stocks } = this.#disk.tables;
    return new Book(this, meta, stocks.values());
  }

  async write(writes: readonly BookWrite[]): Promise<void> {
    this.#inProgress.push(writes);
    return new Promise((resolve) => {
      this.#later(() => {
        this.#inProgress.shift();
        this.#disk.write(writes);
        resolve();
      });
    });
  }

  /** The process dies. Writes in progress are completed in order as long as `isWritten` returns true. */
  crash(isWritten: () => boolean): void {
    for (const writes of this.#inProgress.splice(0)) {
      if (!isWritten()) return;
      this.#disk.write(writes);
    }
  }

  positionOf(key: string): CommandPosition | null {
    return this.#disk.tables.keys.get(key) ?? null;
  }

  batch(seq: number): RetainedBatch | null {
    return this.#disk.tables.batches.get(seq) ?? null;
  }

  orderAt(number: number): StoredOrder {
    const order = this.#disk.tables.orders.get(number);
    if (order === undefined) throw new Error(`order ${number} is missing`);
    return order;
  }

  async *orderSlices(after: number, last: number, name: string | null): AsyncGenerator<OrderSlice> {
    for (let from = after + 1; from <= last; from += SLICE_ORDERS) {
      const upTo = Math.min(last, from + SLICE_ORDERS - 1);
      const numbers = Array.from({ length: upTo - from + 1 }, (_, i) => from + i);
      await Promise.resolve();
      yield {
        lastNumber: upTo,
        orders: () =>
          numbers
            .map((number) => this.orderAt(number))
            .filter((order) => name === null || order.name === name),
      };
    }
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Contents of a snapshot. */
interface SnapshotContent {
  readonly meta: BookMeta;
  readonly keys: readonly (readonly [string, CommandPosition])[];
  readonly batches: readonly RetainedBatch[];
  readonly orders: readonly StoredOrder[];
  readonly stocks: readonly Stock[];
}

interface SnapshotsContext {
  readonly machine: () => BookStateMachine<SimBookStore>;
  readonly disk: BookDisk;
  readonly schedule: DiskSchedule;
  /** Creates the store of an installed order book. */
  readonly newStore: () => SimBookStore;
  /** Called in the event in which a snapshot replaces the order book. */
  readonly installed: (base: LogBase, meta: BookMeta) => void;
}

export class SimBookSnapshots implements SnapshotSupport {
  readonly #context: SnapshotsContext;
  readonly writes: TimedWrites;

  constructor(context: SnapshotsContext) {
    this.#context = context;
    this.writes = new TimedWrites(context.schedule);
  }

  get restoredBase(): LogBase | null {
    return this.#context.disk.tables.restored;
  }

  async sync(): Promise<LogIndex> {
    const { machine, disk } = this.#context;
    await machine().flush();
    const { applied } = disk.tables.meta;
    const { tables, unsynced } = disk;
    await this.writes.write(
      () => `order book up to ${applied}`,
      () => {
        if (disk.tables === tables) disk.onSynced(unsynced);
      },
    );
    return applied;
  }

  createView(): SnapshotView {
    const { meta, keys, batches, orders, stocks } = this.#context.disk.tables;
    const content: SnapshotContent = {
      meta,
      keys: [...keys],
      batches: [...batches.values()],
      orders: [...orders.values()],
      stocks: [...stocks.values()],
    };
    return {
      index: meta.applied,
      chunks: () => chunksOf(pack(content)),
      close: async () => Promise.resolve(),
    };
  }

  async receive(base: LogBase, chunks: AsyncIterable<Uint8Array>): Promise<StagedSnapshot> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const content = unpack(Buffer.concat(parts)) as SnapshotContent;
    if (content.meta.applied !== base.index)
      throw new Error(`snapshot is as of ${content.meta.applied} instead of ${base.index}`);
    await this.writes.write(
      () => `snapshot as of ${base.index}`,
      () => undefined,
    );
    return {
      install: async () => this.#install(base, content),
      discard: async () => Promise.resolve(),
    };
  }

  async #install(base: LogBase, { meta, keys, batches, orders, stocks }: SnapshotContent): Promise<void> {
    const { machine, disk, newStore, installed } = this.#context;
    await machine().flush();
    const tables = new OrderBookTables();
    tables.meta = meta;
    tables.restored = base;
    for (const [key, place] of keys) tables.keys.set(key, place);
    for (const batch of batches) tables.batches.set(batch.seq, batch);
    for (const order of orders) tables.orders.set(order.number, order);
    for (const stock of stocks) tables.stocks.set(stock.name, stock);
    await this.writes.write(
      () => `install as of ${base.index}`,
      () => {
        disk.replace(tables);
        installed(base, meta);
      },
    );
    const store = newStore();
    machine().replaceBook(store.openBook(), store);
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    yield await Promise.resolve(bytes.subarray(at, at + CHUNK_BYTES));
  }
}
