/**
 * The order book on disk: one LevelDB. Every write is atomic, consists of whole applies, and contains the
 * applied index. Writes are not synced: the log is, and writes lost in a power loss are applied again from
 * it.
 */
import { rm } from 'node:fs/promises';
import { FormatError, expectBytes, type Stock } from '@trireme/domain';
import { RaftError, decodeBase, encodeBase, type LogBase } from '@trireme/raft';
import { repairUnsyncedFolder, toStorageError } from '@trireme/raft/level';
import { BookCheck } from './check.js';
import { checkOwner, identityRecord, type BookOwner } from './identity.js';
import { openLevel, scanRecords, scanSlices, type BookLevel, type LevelSnapshot } from './level.js';
import { orderSlices } from './order-slices.js';
import { BookRecords } from './records.js';
import { BookWriter, addKeyTo } from './writer.js';
import type { BookRecord } from './record-stream.js';
import {
  describeKey,
  isLocalRecord,
  keyText,
  numberKey,
  readMeta,
  readStock,
  seal,
  textKey,
  toRecord,
} from './codec.js';
import type { BookStorage, OrderSlice } from './machine.js';
import { KeyFilter } from '../rules/book/key-filter.js';
import {
  EMPTY_META,
  type BookMeta,
  type BookWrite,
  type CommandPosition,
  type RetainedBatch,
  type StoredOrder,
} from '../rules/book/state.js';

interface BookStoreOptions extends BookOwner {
  readonly path: string;
}

/** An opened book, with the parts that are read at once. */
interface OpenedBook {
  readonly store: BookStore;
  readonly meta: BookMeta;
  readonly stocks: readonly Stock[];
  /** The snapshot that it came from; null if none. */
  readonly restored: LogBase | null;
  /** What was truncated after a power loss, in words; null if nothing. */
  readonly repaired: string | null;
}

/** All records as of one moment, starting with the meta record. */
interface BookView {
  readonly meta: BookMeta;
  records(): AsyncGenerator<BookRecord>;
  /**
   * The same, or the meta record and the retained batches after number `after`, a few records at a time; the event
   * loop runs between two slices.
   */
  slices(after: number | null): AsyncGenerator<readonly BookRecord[]>;
  close(): Promise<void>;
}

/** Records per slice of a view. */
const VIEW_SLICE_RECORDS = 200;

/** Bytes read between two pauses of `check`: less than a millisecond's work. */
const BYTES_PER_PACE = 16 * 1024;
/**
 * Number of records besides the book's contents: identity, meta, and the snapshot that it was restored from.
 */
const OWN_RECORDS = 3;

const BATCHES_END = numberKey('batch', Number.MAX_SAFE_INTEGER);

/** The keys of all stocks: names are ASCII. */
const STOCK_RANGE = { gte: textKey('stock'), lt: textKey('stock', '\x7f') };

export class BookStore implements BookStorage {
  /** Reads of single records. */
  readonly records: BookRecords;
  readonly #db: BookLevel;
  readonly #writer: BookWriter;
  /** All keys written since the book was opened; complete once those written before were added. */
  readonly #filter: KeyFilter;
  #keyLookUps = 0;
  /** Number of open scans and views. */
  #readers = 0;
  #isRetired = false;

  /** @param isEmpty whether the LevelDB has no record at all */
  private constructor(db: BookLevel, path: string, isEmpty: boolean) {
    this.#db = db;
    this.records = new BookRecords(db, path);
    this.#filter = new KeyFilter(isEmpty);
    this.#writer = new BookWriter(this.records, this.#filter);
  }

  /**
   * Opens the book, or creates an empty one. First verifies LevelDB's own checksums of every byte in its
   * files. Whether all records exist and are valid takes much longer to verify; `check` does that in the
   * background. No other process may have the folder open, which the lock on the log beside it ensures.
   * @throws RaftError `LOG_DAMAGED` naming the damage; `BAD_CONFIG` if the folder belongs to another replica
   *   or another process has it open.
   */
  static async open(options: BookStoreOptions): Promise<OpenedBook> {
    const { path, id } = options;
    const mended = await repairUnsyncedFolder(path);
    const store = await BookStore.create(path, id);
    try {
      const { records } = store;
      await checkOwner(store.#db, options);
      const meta = records.get('meta', textKey('meta'), readMeta) ?? (await store.#emptyMeta());
      const restored = records.get('restored', textKey('restored'), (value) =>
        decodeBase(expectBytes(value, 'base')),
      );
      store.#checkEnds(meta);
      return { store, meta, stocks: await store.#stocks(meta), restored, repaired: mended };
    } catch (error) {
      await store.close();
      if (error instanceof FormatError) throw store.records.damage(error.message, error);
      if (error instanceof RaftError) throw error;
      throw toStorageError(path, `cannot open the order book at ${path}`, error);
    }
  }

  /**
   * Opens the LevelDB at `path` of replica `id` without checks, or creates an empty one.
   * @throws RaftError `LOG_DAMAGED`, or `BAD_CONFIG` if another process has it open.
   */
  static async create(path: string, id: string): Promise<BookStore> {
    const db = await openLevel(path, id);
    const first = await db.keys({ limit: 1 }).all();
    return new BookStore(db, path, first.length === 0);
  }

  /** Number of keys looked up on disk since the book was opened. */
  get keyLookUps(): number {
    return this.#keyLookUps;
  }

  positionOf(key: string): CommandPosition | null {
    if (!this.#filter.mightContain(key)) return null;
    this.#keyLookUps += 1;
    return this.records.positionOf(key);
  }

  batch(seq: number): RetainedBatch | null {
    return this.records.batch(seq);
  }

  orderAt(number: number): StoredOrder {
    return this.records.orderAt(number);
  }

  /** See `BookWriter`. */
  async write(writes: readonly BookWrite[]): Promise<void> {
    await this.#writer.write(writes);
  }

  /** See `BookWriter`. */
  async put(records: readonly BookRecord[]): Promise<void> {
    await this.#writer.put(records);
  }

  /** See `BookWriter`. */
  async sync(): Promise<void> {
    await this.#writer.sync();
  }

  /** All stocks. @throws RaftError `LOG_DAMAGED` if one is damaged or missing. */
  async #stocks(meta: BookMeta): Promise<readonly Stock[]> {
    const stocks: Stock[] = [];
    for await (const [key, record] of this.#scan(scanRecords(this.#db, STOCK_RANGE))) {
      stocks.push(this.records.parse('stock', key, record, (value) => readStock(keyText(key), value)));
    }
    if (stocks.length !== meta.stocks)
      throw this.records.damage(`found ${stocks.length} of ${meta.stocks} stocks`);
    return stocks;
  }

  /**
   * The meta record of a book without one, which may have no other record than its identity.
   * @throws FormatError if it has.
   */
  async #emptyMeta(): Promise<BookMeta> {
    for (const key of await this.#db.keys({ limit: OWN_RECORDS + 1 }).all()) {
      if (!isLocalRecord(key))
        throw new FormatError(`${describeKey(key)} is unexpected without a meta record`);
    }
    return EMPTY_META;
  }

  /** Reads the first and the last record of each table. @throws RaftError `LOG_DAMAGED`. */
  #checkEnds({ orders, changes, firstSeq, lastSeq }: BookMeta): void {
    const { records } = this;
    for (const number of ends(1, orders)) records.orderAt(number);
    for (const number of ends(1, changes)) records.changeAt(number);
    for (const seq of ends(firstSeq, lastSeq)) records.required('batch', seq, records.batch(seq));
  }

  /**
   * Reads every record of the current book and verifies that each is valid, none is missing and none is
   * unexpected. After that the in-memory filter rules out most keys that the book does not have.
   * @param pace awaited after every few records, so that the rest of the process can run
   * @throws RaftError `LOG_DAMAGED` naming the damage.
   */
  async check(pace: (() => Promise<unknown>) | null = null): Promise<void> {
    const snapshot = this.#db.snapshot();
    try {
      const key = textKey('meta');
      const meta = this.#db.getSync(key, { snapshot });
      const check = new BookCheck(
        meta === undefined ? EMPTY_META : this.records.parse('meta', key, meta, readMeta),
      );
      let bytes = 0;
      for await (const record of this.#scan(scanRecords(this.#db, { snapshot }))) {
        check.visit(...record);
        addKeyTo(this.#filter, record[0]);
        bytes += record[0].byteLength + record[1].byteLength;
        if (bytes < BYTES_PER_PACE) continue;
        bytes = 0;
        await pace?.();
      }
      check.finish();
      this.#filter.markComplete();
    } catch (error) {
      throw error instanceof FormatError ? this.records.damage(error.message, error) : error;
    } finally {
      await snapshot.close();
    }
  }

  /** Counts a scan, so that a retired book is not removed during it. */
  async *#scan<T>(scan: AsyncGenerator<T>): AsyncGenerator<T> {
    this.#readers += 1;
    try {
      yield* scan;
    } catch (error) {
      throw error instanceof FormatError ? this.records.damage(error.message, error) : error;
    } finally {
      this.#onReaderClosed();
    }
  }

  #onReaderClosed(): void {
    this.#readers -= 1;
    if (this.#isRetired && this.#readers === 0) void this.#remove();
  }

  /**
   * Another book has replaced this one: it is closed and removed once no scan or view is open. If the process
   * ends before that, or the files cannot be removed, the next start removes them.
   */
  retire(): void {
    this.#isRetired = true;
    if (this.#readers === 0) void this.#remove();
  }

  async #remove(): Promise<void> {
    await this.#db.close();
    await rm(this.records.path, { recursive: true, force: true }).catch(() => undefined);
  }

  /** A view of all records as of now, except those that belong to this replica. */
  view(): BookView {
    const snapshot = this.#db.snapshot();
    this.#readers += 1;
    const key = textKey('meta');
    const meta = this.#db.getSync(key, { snapshot });
    const first: BookRecord = [key, meta ?? seal(key, Object.entries(EMPTY_META))];
    let isOpen = true;
    return {
      meta: meta === undefined ? EMPTY_META : this.records.parse('meta', key, meta, readMeta),
      records: () => this.#viewRecords(snapshot, first),
      slices: (after) => this.#viewSlices(snapshot, first, after),
      close: async () => {
        if (!isOpen) return;
        isOpen = false;
        await snapshot.close();
        this.#onReaderClosed();
      },
    };
  }

  async *#viewRecords(snapshot: LevelSnapshot, meta: BookRecord): AsyncGenerator<BookRecord> {
    yield meta;
    const scan = this.#scan(scanRecords(this.#db, { snapshot }));
    for await (const record of scan) if (!isLocalRecord(record[0])) yield record;
  }

  async *#viewSlices(
    snapshot: LevelSnapshot,
    meta: BookRecord,
    after: number | null,
  ): AsyncGenerator<readonly BookRecord[]> {
    yield [meta];
    const range = after === null ? {} : { gte: numberKey('batch', after + 1), lte: BATCHES_END };
    const scan = scanSlices(this.#db, { ...range, snapshot }, VIEW_SLICE_RECORDS);
    for await (const slice of this.#scan(scan)) yield slice.filter(([key]) => !isLocalRecord(key));
  }

  /**
   * Completes a book that arrived as a snapshot: writes its identity, its base and its meta record, and makes
   * everything durable.
   * @throws RaftError `STORAGE_FAILED`.
   */
  async complete({ cluster, id }: BookOwner, meta: BookMeta, base: LogBase): Promise<void> {
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

  /** See `orderSlices`; a retired book is not removed during it. */
  orderSlices(after: number, last: number, name: string | null): AsyncIterable<OrderSlice> {
    return this.#scan(orderSlices(this.records, after, last, name));
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

/** The first and the last number of a range, without duplicates; none if the range is empty. */
function ends(first: number, last: number): readonly number[] {
  if (last < first) return [];
  return first === last ? [first] : [first, last];
}
