/**
 * The book on disk: one LevelDB, every write atomic, of whole applies and with the applied index in it. Writes are not
 * synced: the log is, and what a power loss takes from here is applied again from there.
 */
import { rm } from 'node:fs/promises';
import { FormatError, asBytes, type Stock } from '@trireme/domain';
import { RaftError, decodeBase, encodeBase, mendUnsynced, storageFailure, type LogBase } from '@trireme/raft';
import { BookCheck } from './book-check.js';
import { claimBook, identityRecord, type BookOwner } from './book-identity.js';
import { openLevel, scanRecords, scanSlices, type LevelSnapshot } from './book-level.js';
import { BookWriter } from './book-writer.js';
import type { BookRecord } from './record-stream.js';
import {
  describeKey,
  isOwnRecord,
  keyText,
  keyNumber,
  numberKey,
  readMeta,
  readPage,
  readPageOf,
  readStock,
  seal,
  textKey,
  toRecord,
} from './records.js';
import type { BookStorage, OrderSlice } from './machine.js';
import { PAGE_ORDERS, firstOn, pageOf } from './rules/order-pages.js';
import { EMPTY_META, type BookMeta, type BookedOrder } from './rules/state.js';

interface BookStoreOptions extends BookOwner {
  readonly path: string;
}

/** What a book that was opened holds, beside what is read of it later. */
interface OpenedBook {
  readonly store: BookStore;
  readonly meta: BookMeta;
  readonly stocks: readonly Stock[];
  /** What snapshot it came from, null if from none. */
  readonly restored: LogBase | null;
  /** What a power loss left of its last writes and was cut off, in words; null for nothing. */
  readonly mended: string | null;
}

/** All records as of one moment, the meta record first. */
interface BookView {
  readonly meta: BookMeta;
  records(): AsyncGenerator<BookRecord>;
  close(): Promise<void>;
}

/** Pages of orders that are decoded in one turn of the event loop: less than a millisecond's work. */
const SLICE_PAGES = 16;

/** Bytes that are looked at between two pauses of `check`: less than a millisecond's work. */
const BYTES_PER_PACE = 16 * 1024;
/** Identity, meta, and the snapshot that it was restored from. */
const OWN_RECORDS = 3;

/** The keys of all stocks: names are ASCII. */
const STOCK_RANGE = { gte: textKey('stock'), lt: textKey('stock', '\x7f') };

export class BookStore extends BookWriter implements BookStorage {
  /** Scans and views under way. */
  #readers = 0;
  #isRetired = false;

  /**
   * Opens the book, or makes an empty one. Every byte of its files is checked first, against LevelDB's own checksums; that
   * every record is there and makes sense takes far longer, and `check` finds it out beside the work. Nobody else may
   * have the folder open, which the lock on the log beside it sees to.
   * @throws RaftError `LOG_DAMAGED` naming what is damaged or missing; `BAD_CONFIG` if the folder is another replica's
   *   or another process has it open.
   */
  static async open(options: BookStoreOptions): Promise<OpenedBook> {
    const { path, id } = options;
    const mended = await mendUnsynced(path);
    const store = await BookStore.create(path, id);
    try {
      await claimBook(store.db, options);
      const meta = store.get('meta', textKey('meta'), readMeta) ?? (await store.#emptyMeta());
      const restored = store.get('restored', textKey('restored'), (value) =>
        decodeBase(asBytes(value, 'base')),
      );
      store.#checkEnds(meta);
      return { store, meta, stocks: await store.#stocks(meta), restored, mended };
    } catch (error) {
      await store.db.close();
      if (error instanceof FormatError) throw store.damage(error.message, error);
      if (error instanceof RaftError) throw error;
      throw storageFailure(path, `the order book at ${path} cannot be opened`, error);
    }
  }

  /**
   * Opens the LevelDB at `path` of the replica `id` as it is, or makes an empty one.
   * @throws RaftError `LOG_DAMAGED`, or `BAD_CONFIG` if another process has it open.
   */
  static async create(path: string, id: string): Promise<BookStore> {
    const db = await openLevel(path, id);
    const first = await db.keys({ limit: 1 }).all();
    return new BookStore(db, path, first.length === 0);
  }

  /** All stocks. @throws RaftError `LOG_DAMAGED` if one is damaged or missing. */
  async #stocks(meta: BookMeta): Promise<readonly Stock[]> {
    const stocks: Stock[] = [];
    for await (const [key, record] of this.#scan(scanRecords(this.db, STOCK_RANGE))) {
      stocks.push(this.parse('stock', key, record, (value) => readStock(keyText(key), value)));
    }
    if (stocks.length !== meta.stocks) throw this.damage(`it has ${stocks.length} stocks of ${meta.stocks}`);
    return stocks;
  }

  /** Of a book without a meta record, which has no other record but of whose it is. @throws FormatError if it has. */
  async #emptyMeta(): Promise<BookMeta> {
    for (const key of await this.db.keys({ limit: OWN_RECORDS + 1 }).all()) {
      if (!isOwnRecord(key))
        throw new FormatError(`${describeKey(key)} should not be there without a meta record`);
    }
    return EMPTY_META;
  }

  /** The first and the last record of each table. @throws RaftError `LOG_DAMAGED`. */
  #checkEnds({ orders, changes, firstSeq, lastSeq }: BookMeta): void {
    for (const number of ends(1, orders)) this.orderAt(number);
    for (const number of ends(1, changes)) this.changeAt(number);
    for (const seq of ends(firstSeq, lastSeq)) this.present('batch', seq, this.batch(seq));
  }

  /**
   * Reads every record of the book once, as it is now: that each holds its checksum, none is missing and none is too many.
   * From then on it is known from memory of most keys that they are not there.
   * @param pace awaited after every few records, so that the rest of the process goes on
   * @throws RaftError `LOG_DAMAGED` naming what is damaged or missing.
   */
  async check(pace: (() => Promise<unknown>) | null = null): Promise<void> {
    const snapshot = this.db.snapshot();
    try {
      const key = textKey('meta');
      const meta = this.db.getSync(key, { snapshot });
      const check = new BookCheck(meta === undefined ? EMPTY_META : this.parse('meta', key, meta, readMeta));
      let bytes = 0;
      for await (const record of this.#scan(scanRecords(this.db, { snapshot }))) {
        check.visit(...record);
        this.noteKeys(...record);
        bytes += record[0].byteLength + record[1].byteLength;
        if (bytes < BYTES_PER_PACE) continue;
        bytes = 0;
        await pace?.();
      }
      check.finish();
      this.keysNoted();
    } catch (error) {
      throw error instanceof FormatError ? this.damage(error.message, error) : error;
    } finally {
      await snapshot.close();
    }
  }

  /** A scan under way, which a retired book waits for. */
  async *#scan<T>(scan: AsyncGenerator<T>): AsyncGenerator<T> {
    this.#readers += 1;
    try {
      yield* scan;
    } catch (error) {
      throw error instanceof FormatError ? this.damage(error.message, error) : error;
    } finally {
      this.#readerLeft();
    }
  }

  #readerLeft(): void {
    this.#readers -= 1;
    if (this.#isRetired && this.#readers === 0) void this.#remove();
  }

  /**
   * Another book takes the place of this one: it is closed and removed once no one reads it. Where the process ends
   * before that, or the files resist, the next start removes them.
   */
  retire(): void {
    this.#isRetired = true;
    if (this.#readers === 0) void this.#remove();
  }

  async #remove(): Promise<void> {
    await this.db.close();
    await rm(this.path, { recursive: true, force: true }).catch(() => undefined);
  }

  /** A view of all records as of now, but for those that are this replica's own. */
  view(): BookView {
    const snapshot = this.db.snapshot();
    this.#readers += 1;
    const key = textKey('meta');
    const meta = this.db.getSync(key, { snapshot });
    let isOpen = true;
    return {
      meta: meta === undefined ? EMPTY_META : this.parse('meta', key, meta, readMeta),
      records: () => this.#viewed(snapshot, [key, meta ?? seal(key, Object.entries(EMPTY_META))]),
      close: async () => {
        if (!isOpen) return;
        isOpen = false;
        await snapshot.close();
        this.#readerLeft();
      },
    };
  }

  async *#viewed(snapshot: LevelSnapshot, meta: BookRecord): AsyncGenerator<BookRecord> {
    yield meta;
    const scan = this.#scan(scanRecords(this.db, { snapshot }));
    for await (const record of scan) if (!isOwnRecord(record[0])) yield record;
  }

  /**
   * Completes a book that came as a snapshot: whose it is, what it was restored from, and where it stands; all durable.
   * @throws RaftError `STORAGE_FAILED`.
   */
  async finish({ cluster, id }: BookOwner, meta: BookMeta, base: LogBase): Promise<void> {
    const identity = textKey('identity');
    const restored = textKey('restored');
    const record = toRecord({ table: 'meta', value: meta });
    await this.put([
      [identity, identityRecord({ cluster, id })],
      [restored, seal(restored, encodeBase(base))],
      [record.key, record.value ?? Buffer.alloc(0)],
    ]);
    await this.sync();
  }

  /**
   * Orders with numbers above `after` up to `last`, which the book has, in order, a few pages at a time: the event loop takes its
   * turn between two slices. A slice is decoded when its orders are asked for, so that whoever asks can measure what that takes.
   * @param name of the stock whose orders alone are wanted, null for all.
   * @throws RaftError `LOG_DAMAGED` if one is damaged or missing, also from `orders`.
   */
  async *orderSlices(after: number, last: number, name: string | null): AsyncGenerator<OrderSlice> {
    if (after >= last) return;
    let page = pageOf(after + 1);
    const range = { gte: numberKey('page', page), lte: numberKey('page', pageOf(last)) };
    for await (const slice of this.#scan(scanSlices(this.db, range, SLICE_PAGES))) {
      const first = page;
      page += slice.length;
      yield {
        upTo: Math.min(last, firstOn(page) - 1),
        orders: () =>
          slice
            .flatMap(([key, record], i) => this.#ordersIn(first + i, key, record, name, last))
            .filter(({ number }) => number > after && number <= last),
      };
    }
    if (page <= pageOf(last)) throw this.damage(`order ${Math.max(after + 1, firstOn(page))} is missing`);
  }

  /** The orders on a page, which has to reach to its end or to `last`. */
  #ordersIn(
    page: number,
    key: Uint8Array,
    record: Uint8Array,
    name: string | null,
    last: number,
  ): readonly BookedOrder[] {
    const first = firstOn(page);
    if (keyNumber(key) !== page) throw this.damage(`order ${first} is missing`);
    const { count, orders } = this.parse('page', key, record, (value) => {
      if (name !== null) return readPageOf(page, value, name);
      const all = readPage(page, value);
      return { count: all.length, orders: all };
    });
    const end = first + count;
    if (end <= Math.min(last, first + PAGE_ORDERS - 1)) throw this.damage(`order ${end} is missing`);
    return orders;
  }

  async close(): Promise<void> {
    await this.db.close();
  }
}

/** The first and the last of a run of numbers, each once; none of an empty run. */
function ends(first: number, last: number): readonly number[] {
  if (last < first) return [];
  return first === last ? [first] : [first, last];
}
