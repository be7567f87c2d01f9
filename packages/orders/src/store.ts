/**
 * The book on disk: one LevelDB, every apply one atomic write with its applied index in it. Writes are not synced: the
 * log is, and what a power loss takes from here is applied again from there.
 */
import { rm } from 'node:fs/promises';
import { FormatError, asBytes } from '@trireme/domain';
import { RaftError, decodeBase, encodeBase, type LogBase } from '@trireme/raft';
import { BookCheck } from './book-check.js';
import {
  flushLevel,
  openLevel,
  scanRecords,
  type BookLevel,
  type LevelSnapshot,
  type ScanRange,
} from './book-level.js';
import { claimBook, identityRecord, type BookOwner } from './book-identity.js';
import type { BookRecord } from './record-stream.js';
import {
  isOwnRecord,
  keyNumber,
  numberKey,
  readBatch,
  readChange,
  readMeta,
  readOrder,
  readOutcomes,
  readPlace,
  seal,
  textKey,
  toRecord,
  unseal,
  type Table,
} from './records.js';
import {
  EMPTY_META,
  type BookMeta,
  type BookReader,
  type BookWrite,
  type BookedOrder,
  type KeptBatch,
  type KeptOutcomes,
  type Place,
  type StockChange,
} from './rules/state.js';

interface BookStoreOptions extends BookOwner {
  readonly path: string;
}

/** What a book that was opened holds, beside what is read of it later. */
interface OpenedBook {
  readonly store: BookStore;
  readonly meta: BookMeta;
  readonly pending: readonly KeptBatch[];
  /** What snapshot it came from, null if from none. */
  readonly restored: LogBase | null;
}

/** All records as of one moment, the meta record first. */
interface BookView {
  readonly meta: BookMeta;
  records(): AsyncGenerator<BookRecord>;
  close(): Promise<void>;
}

export class BookStore implements BookReader {
  readonly #db: BookLevel;
  readonly #path: string;
  /** Scans and views under way. */
  #readers = 0;
  #isRetired = false;

  private constructor(db: BookLevel, path: string) {
    this.#db = db;
    this.#path = path;
  }

  /**
   * Opens the book, or makes an empty one, and checks every record of it.
   * @throws RaftError `LOG_DAMAGED` naming what is damaged or missing; `BAD_CONFIG` if the folder is another replica's
   *   or another process has it open.
   */
  static async open(options: BookStoreOptions): Promise<OpenedBook> {
    const { path } = options;
    const store = await BookStore.create(path);
    const db = store.#db;
    try {
      await claimBook(db, options);
      const meta = store.#get('meta', textKey('meta'), readMeta) ?? EMPTY_META;
      const restored = store.#get('restored', textKey('restored'), (value) =>
        decodeBase(asBytes(value, 'base')),
      );
      const pending = await store.#check(meta);
      return { store, meta, pending, restored };
    } catch (error) {
      await db.close();
      throw error instanceof FormatError ? store.#damage(error.message, error) : error;
    }
  }

  /**
   * Opens the LevelDB at `path` as it is, or makes an empty one.
   * @throws RaftError `LOG_DAMAGED`, or `BAD_CONFIG` if another process has it open.
   */
  static async create(path: string): Promise<BookStore> {
    return new BookStore(await openLevel(path), path);
  }

  #damage(what: string, cause?: unknown): RaftError {
    return new RaftError('LOG_DAMAGED', `the order book at ${this.#path} is damaged: ${what}`, { cause });
  }

  /** Reads every record once. @returns the batches that are not settled. */
  async #check(meta: BookMeta): Promise<readonly KeptBatch[]> {
    const check = new BookCheck(meta);
    for await (const [key, record] of this.#scan({})) check.visit(key, record);
    return check.finish();
  }

  async *#scan(range: ScanRange): AsyncGenerator<BookRecord> {
    this.#readers += 1;
    try {
      yield* scanRecords(this.#db, range);
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
    await this.#db.close();
    await rm(this.#path, { recursive: true, force: true }).catch(() => undefined);
  }

  /** A view of all records as of now, but for those that are this replica's own. */
  view(): BookView {
    const snapshot = this.#db.snapshot();
    this.#readers += 1;
    const key = textKey('meta');
    const meta = this.#db.getSync(key, { snapshot });
    let isOpen = true;
    return {
      meta: meta === undefined ? EMPTY_META : this.#parse('meta', key, meta, readMeta),
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
    for await (const record of this.#scan({ snapshot })) if (!isOwnRecord(record[0])) yield record;
  }

  /**
   * Makes all that was written survive a power loss.
   * @throws RaftError `STORAGE_FAILED`.
   */
  async sync(): Promise<void> {
    await this.#attempt(async () => flushLevel(this.#db));
  }

  /** Writes records as they are. @throws RaftError `STORAGE_FAILED`. */
  async put(records: readonly BookRecord[]): Promise<void> {
    await this.#attempt(async () => {
      const batch = this.#db.batch();
      for (const [key, value] of records) batch.put(key, value);
      await batch.write();
    });
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

  #get<T>(table: Table, key: Uint8Array, read: (value: unknown) => T): T | null {
    const record = this.#db.getSync(key);
    return record === undefined ? null : this.#parse(table, key, record, read);
  }

  #parse<T>(table: Table, key: Uint8Array, record: Uint8Array, read: (value: unknown) => T): T {
    try {
      return read(unseal(key, record));
    } catch (error) {
      throw this.#damage(`${table}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  /** Where the command with `key` stands, or null if no kept batch has it. */
  place(key: string): Place | null {
    return this.#get('key', textKey('key', key), readPlace);
  }

  batch(seq: number): KeptBatch | null {
    return this.#get('batch', numberKey('batch', seq), (value) => readBatch(seq, value));
  }

  outcomes(seq: number): KeptOutcomes | null {
    return this.#get('outcomes', numberKey('outcomes', seq), (value) => readOutcomes(seq, value));
  }

  order(number: number): BookedOrder | null {
    return this.#get('order', numberKey('order', number), (value) => readOrder(number, value));
  }

  /** Order `number` of a book that has it. @throws RaftError `LOG_DAMAGED` if it is missing. */
  orderAt(number: number): BookedOrder {
    return this.#present('order', number, this.order(number));
  }

  /** Stock change `number` of a book that has it. @throws RaftError `LOG_DAMAGED` if it is missing. */
  changeAt(number: number): StockChange {
    const change = this.#get('change', numberKey('change', number), (value) => readChange(number, value));
    return this.#present('change', number, change);
  }

  #present<T>(table: Table, number: number, record: T | null): T {
    if (record === null) throw this.#damage(`${table} ${number} is missing`);
    return record;
  }

  /**
   * Orders with numbers above `after` up to `last`, which the book has, in order.
   * @throws RaftError `LOG_DAMAGED` if one is damaged or missing.
   */
  orders(after: number, last: number): AsyncGenerator<BookedOrder> {
    return this.#rows('order', after, last, readOrder);
  }

  /** The same for stock changes. */
  changes(after: number, last: number): AsyncGenerator<StockChange> {
    return this.#rows('change', after, last, readChange);
  }

  async *#rows<T>(
    table: Table,
    after: number,
    last: number,
    read: (number: number, value: unknown) => T,
  ): AsyncGenerator<T> {
    if (after >= last) return;
    let expected = after + 1;
    const range = { gte: numberKey(table, expected), lte: numberKey(table, last) };
    for await (const [key, record] of this.#scan(range)) {
      if (keyNumber(key) !== expected) break;
      yield this.#parse(table, key, record, (value) => read(keyNumber(key), value));
      expected += 1;
    }
    if (expected <= last) throw this.#damage(`${table} ${expected} is missing`);
  }

  /**
   * Writes what one apply made, atomically.
   * @throws RaftError `STORAGE_FAILED`: the process has to stop.
   */
  async write(writes: readonly BookWrite[]): Promise<void> {
    await this.#attempt(async () => {
      const batch = this.#db.batch();
      for (const write of writes) {
        const { key, value } = toRecord(write);
        if (value === null) batch.del(key);
        else batch.put(key, value);
      }
      await batch.write();
    });
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      throw new RaftError('STORAGE_FAILED', `the order book at ${this.#path} cannot be written`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}
