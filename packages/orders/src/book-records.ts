/** The book's records read one by one, each under its own checksum: what is damaged is named, never answered with. */
import { FormatError } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import { readError, type BookLevel } from './book-level.js';
import { readKeyPage } from './key-records.js';
import {
  numberKey,
  readBatch,
  readChange,
  readOrder,
  readPage,
  readPlace,
  textKey,
  unseal,
  type Table,
} from './records.js';
import { keyPageOf, type KeyPage } from './rules/key-pages.js';
import { pageOf } from './rules/order-pages.js';
import type { BookReader, BookedOrder, KeptBatch, Place, StockChange } from './rules/state.js';

export class BookRecords implements BookReader {
  protected readonly db: BookLevel;
  protected readonly path: string;

  protected constructor(db: BookLevel, path: string) {
    this.db = db;
    this.path = path;
  }

  protected damage(what: string, cause?: unknown): RaftError {
    return new RaftError('LOG_DAMAGED', `the order book at ${this.path} is damaged: ${what}`, { cause });
  }

  /** Null if there is none. @throws RaftError `LOG_DAMAGED`. */
  protected get<T>(table: Table, key: Uint8Array, read: (value: unknown) => T): T | null {
    let record: Uint8Array | undefined;
    try {
      record = this.db.getSync(key);
    } catch (error) {
      const met = readError(error);
      throw met instanceof FormatError ? this.damage(`${table}: ${met.message}`, error) : error;
    }
    return record === undefined ? null : this.parse(table, key, record, read);
  }

  /** @throws RaftError `LOG_DAMAGED` if the record is not what it should be. */
  protected parse<T>(table: Table, key: Uint8Array, record: Uint8Array, read: (value: unknown) => T): T {
    try {
      return read(unseal(key, record));
    } catch (error) {
      throw this.damage(`${table}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  /** Where the command with `key` stands, or null if no kept batch has it. */
  place(key: string): Place | null {
    const page = keyPageOf(key);
    const paged = page === null ? null : this.keyPage(page)?.place(key);
    return paged ?? this.get('key', textKey('key', key), readPlace);
  }

  /** The keys of a page; null if there is no such page. */
  protected keyPage(name: string): KeyPage | null {
    return this.get('keyPage', textKey('keyPage', name), readKeyPage);
  }

  batch(seq: number): KeptBatch | null {
    return this.get('batch', numberKey('batch', seq), (value) => readBatch(seq, value));
  }

  order(number: number): BookedOrder | null {
    return this.get('page', numberKey('page', pageOf(number)), (value) => readOrder(number, value));
  }

  /** The orders on a page; null if there is no such page. */
  protected ordersOn(page: number): readonly BookedOrder[] | null {
    return this.get('page', numberKey('page', page), (value) => readPage(page, value));
  }

  /** Order `number` of a book that has it. @throws RaftError `LOG_DAMAGED` if it is missing. */
  orderAt(number: number): BookedOrder {
    return this.present('order', number, this.order(number));
  }

  /** Stock change `number` of a book that has it. @throws RaftError `LOG_DAMAGED` if it is missing. */
  changeAt(number: number): StockChange {
    const change = this.get('change', numberKey('change', number), (value) => readChange(number, value));
    return this.present('change', number, change);
  }

  /** @throws RaftError `LOG_DAMAGED` if the record is missing. */
  protected present<T>(table: Table | 'order', number: number, record: T | null): T {
    if (record === null) throw this.damage(`${table} ${number} is missing`);
    return record;
  }
}
