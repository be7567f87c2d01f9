/**
 * The book on disk: one LevelDB, every apply one atomic write with its applied index in it. Writes are not synced: the
 * log is, and what a power loss takes from here is applied again from there.
 */
import { Level } from 'level';
import { FormatError, asInteger, asList, asText } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import {
  BOOK_FORMAT,
  describeKey,
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

interface BookStoreOptions {
  readonly path: string;
  readonly cluster: string;
  /** The replica's id. */
  readonly id: string;
}

/** Records read at a time by scans. */
const PAGE = 1000;

export class BookStore implements BookReader {
  readonly #db: Level<Uint8Array, Uint8Array>;
  readonly #path: string;

  private constructor(db: Level<Uint8Array, Uint8Array>, path: string) {
    this.#db = db;
    this.#path = path;
  }

  /**
   * Opens the book, or makes an empty one, and checks every record of it.
   * @throws RaftError `LOG_DAMAGED` naming what is damaged or missing; `BAD_CONFIG` if the folder is another replica's
   *   or another process has it open.
   */
  static async open(
    options: BookStoreOptions,
  ): Promise<{ readonly store: BookStore; readonly meta: BookMeta; readonly pending: readonly KeptBatch[] }> {
    const { path } = options;
    const db = new Level<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' });
    try {
      await db.open();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const message = `cannot open the order book at ${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
      const isDamage = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_CORRUPTION';
      throw new RaftError(isDamage ? 'LOG_DAMAGED' : 'BAD_CONFIG', message, { cause: error });
    }
    const store = new BookStore(db, path);
    try {
      await store.#claim(options);
      const meta = store.#get('meta', textKey('meta'), readMeta) ?? EMPTY_META;
      const pending = await store.#check(meta);
      return { store, meta, pending };
    } catch (error) {
      await db.close();
      throw error instanceof FormatError ? store.#damage(error.message, error) : error;
    }
  }

  #damage(what: string, cause?: unknown): RaftError {
    return new RaftError('LOG_DAMAGED', `the order book at ${this.#path} is damaged: ${what}`, { cause });
  }

  /** Writes who the book belongs to when it is new; refuses another's. */
  async #claim({ cluster, id, path }: BookStoreOptions): Promise<void> {
    const key = textKey('identity');
    const record = this.#db.getSync(key);
    if (record === undefined) {
      const [first] = await this.#db.keys({ limit: 1 }).all();
      if (first !== undefined) throw this.#damage('its identity is missing');
      await this.#db.put(key, seal(key, [BOOK_FORMAT, cluster, id]), { sync: true });
      return;
    }
    const [format, ownCluster, ownId] = asList(unseal(key, record), 'identity');
    if (format !== BOOK_FORMAT || ownCluster !== cluster || ownId !== id) {
      const found = `format ${asInteger(format, 'format')}, cluster ${asText(ownCluster, 'cluster')}, replica ${asText(ownId, 'id')}`;
      const wanted = `format ${BOOK_FORMAT}, cluster ${cluster}, replica ${id}`;
      throw new RaftError(
        'BAD_CONFIG',
        `the order book at ${path} is of ${found}; this process is ${wanted}`,
      );
    }
  }

  /** Reads every record once: checksums, no hole in any table, as many of each as the meta record says. */
  async #check(meta: BookMeta): Promise<readonly KeptBatch[]> {
    const pending: KeptBatch[] = [];
    await this.#checkTable('order', 1, meta.orders, readOrder);
    await this.#checkTable('change', 1, meta.changes, readChange);
    await this.#checkTable('outcomes', meta.firstSeq, meta.settledSeq, readOutcomes);
    await this.#checkTable('batch', meta.firstSeq, meta.lastSeq, (seq, value) => {
      const batch = readBatch(seq, value);
      if (seq > meta.settledSeq) pending.push(batch);
    });
    let keys = 0;
    for await (const [key, record] of this.#scan(textKey('key'), textKey('key', '\u{10ffff}'))) {
      readPlace(unseal(key, record));
      keys += 1;
    }
    if (keys !== meta.keys) throw this.#damage(`it has ${keys} keys of ${meta.keys}`);
    return pending;
  }

  async #checkTable(
    table: Table,
    first: number,
    last: number,
    read: (number: number, value: unknown) => unknown,
  ): Promise<void> {
    let expected = first;
    const [gte, lte] = [numberKey(table, 0), numberKey(table, Number.MAX_SAFE_INTEGER)];
    for await (const [key, record] of this.#scan(gte, lte)) {
      const number = keyNumber(key);
      if (number > last || number < first) throw this.#damage(`${describeKey(key)} should not be there`);
      if (number !== expected) break;
      read(number, unseal(key, record));
      expected += 1;
    }
    if (expected <= last) throw this.#damage(`${describeKey(numberKey(table, expected))} is missing`);
  }

  async *#scan(gte: Uint8Array, lte: Uint8Array): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    const iterator = this.#db.iterator({ gte, lte });
    try {
      for (;;) {
        const page = await iterator.nextv(PAGE);
        if (page.length === 0) return;
        yield* page;
      }
    } finally {
      await iterator.close();
    }
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
    for await (const [key, record] of this.#scan(numberKey(table, expected), numberKey(table, last))) {
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
    try {
      const batch = this.#db.batch();
      for (const write of writes) {
        const { key, value } = toRecord(write);
        if (value === null) batch.del(key);
        else batch.put(key, value);
      }
      await batch.write();
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
