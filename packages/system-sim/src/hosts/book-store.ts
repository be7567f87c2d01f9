/** The book's store in one life of a replica, and its snapshots. */
import { pack, unpack, type Stock } from '@trireme/domain';
import type { LogBase, LogIndex, SnapshotSupport, SnapshotView, StagedSnapshot } from '@trireme/raft';
import { SlowWrites, type DiskSchedule } from '@trireme/raft/sim';
import {
  Book,
  type BookMachine,
  type BookMeta,
  type BookStorage,
  type BookWrite,
  type BookedOrder,
  type KeptBatch,
  type OrderSlice,
  type Place,
} from '@trireme/orders/simulation';
import { Tables, type BookDisk } from './book-disk.js';

const SLICE_ORDERS = 32;
/** Bytes of a snapshot that travel together. */
const CHUNK_BYTES = 4_000;

export class SimBookStore implements BookStorage {
  readonly #disk: BookDisk;
  readonly #later: (run: () => void) => void;
  #underWay: (readonly BookWrite[])[] = [];

  /** @param later has something happen once a write has taken its time */
  constructor(disk: BookDisk, later: (run: () => void) => void) {
    this.#disk = disk;
    this.#later = later;
  }

  /** The book as it is stored. */
  openBook(): Book {
    const { meta, stocks } = this.#disk.tables;
    return new Book(this, meta, stocks.values());
  }

  async write(writes: readonly BookWrite[]): Promise<void> {
    this.#underWay.push(writes);
    return new Promise((resolve) => {
      this.#later(() => {
        this.#underWay.shift();
        this.#disk.write(writes);
        resolve();
      });
    });
  }

  /** The process dies: what was being written is there, or not. */
  crash(isWritten: () => boolean): void {
    for (const writes of this.#underWay.splice(0)) {
      if (!isWritten()) return;
      this.#disk.write(writes);
    }
  }

  place(key: string): Place | null {
    return this.#disk.tables.keys.get(key) ?? null;
  }

  batch(seq: number): KeptBatch | null {
    return this.#disk.tables.batches.get(seq) ?? null;
  }

  orderAt(number: number): BookedOrder {
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
        upTo,
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

/** What a snapshot of a book is made of. */
interface Content {
  readonly meta: BookMeta;
  readonly keys: readonly (readonly [string, Place])[];
  readonly batches: readonly KeptBatch[];
  readonly orders: readonly BookedOrder[];
  readonly stocks: readonly Stock[];
}

interface SnapshotsContext {
  readonly machine: BookMachine<SimBookStore>;
  readonly disk: BookDisk;
  readonly schedule: DiskSchedule;
  /** Makes the store of a book that came as a snapshot. */
  readonly newStore: () => SimBookStore;
  /** Called in the step in which a snapshot becomes the book. */
  readonly installed: (base: LogBase, meta: BookMeta) => void;
}

export class SimBookSnapshots implements SnapshotSupport {
  readonly #context: SnapshotsContext;
  readonly writes: SlowWrites;

  constructor(context: SnapshotsContext) {
    this.#context = context;
    this.writes = new SlowWrites(context.schedule);
  }

  get restored(): LogBase | null {
    return this.#context.disk.tables.restored;
  }

  async sync(): Promise<LogIndex> {
    const { machine, disk } = this.#context;
    await machine.flush();
    const { applied } = disk.tables.meta;
    const { tables, unsynced } = disk;
    await this.writes.write(
      () => `the book up to ${applied}`,
      () => {
        if (disk.tables === tables) disk.synced(unsynced);
      },
    );
    return applied;
  }

  take(): SnapshotView {
    const { meta, keys, batches, orders, stocks } = this.#context.disk.tables;
    const content: Content = {
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
    const content = unpack(Buffer.concat(parts)) as Content;
    if (content.meta.applied !== base.index) throw new Error(`a snapshot as of ${content.meta.applied}`);
    await this.writes.write(
      () => `a snapshot as of ${base.index}`,
      () => undefined,
    );
    return {
      install: async () => this.#install(base, content),
      discard: async () => Promise.resolve(),
    };
  }

  async #install(base: LogBase, { meta, keys, batches, orders, stocks }: Content): Promise<void> {
    const { machine, disk, newStore, installed } = this.#context;
    await machine.flush();
    const tables = new Tables();
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
    machine.become(store.openBook(), store);
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    yield await Promise.resolve(bytes.subarray(at, at + CHUNK_BYTES));
  }
}
