/**
 * Reads single records of the book and verifies the checksum of each. A damaged record is reported, never
 * returned.
 */
import { FormatError } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import { readError, type BookLevel } from './level.js';
import {
  numberKey,
  readBatch,
  readChange,
  readOrder,
  readPage,
  readPosition,
  textKey,
  unseal,
  type Table,
} from './codec.js';
import { orderPageOf } from '../rules/book/order-pages.js';
import type { StoredOrder, RetainedBatch, CommandPosition, StockChange } from '../rules/book/state.js';

export class BookRecords {
  readonly db: BookLevel;
  readonly path: string;

  constructor(db: BookLevel, path: string) {
    this.db = db;
    this.path = path;
  }

  damage(what: string, cause?: unknown): RaftError {
    return new RaftError('LOG_DAMAGED', `the order book at ${this.path} is damaged: ${what}`, { cause });
  }

  /** Returns null if there is no such record. @throws RaftError `LOG_DAMAGED`. */
  get<T>(table: Table, key: Uint8Array, read: (value: unknown) => T): T | null {
    let record: Uint8Array | undefined;
    try {
      record = this.db.getSync(key);
    } catch (error) {
      const readFailure = readError(error);
      throw readFailure instanceof FormatError
        ? this.damage(`${table}: ${readFailure.message}`, error)
        : error;
    }
    return record === undefined ? null : this.parse(table, key, record, read);
  }

  /** @throws RaftError `LOG_DAMAGED` if the record is damaged. */
  parse<T>(table: Table, key: Uint8Array, record: Uint8Array, read: (value: unknown) => T): T {
    try {
      return read(unseal(key, record));
    } catch (error) {
      throw this.damage(`${table}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  /** Position of the command with idempotency key `key`; null if no retained batch has it. */
  positionOf(key: string): CommandPosition | null {
    return this.get('key', textKey('key', key), readPosition);
  }

  batch(seq: number): RetainedBatch | null {
    return this.get('batch', numberKey('batch', seq), (value) => readBatch(seq, value));
  }

  order(number: number): StoredOrder | null {
    return this.get('page', numberKey('page', orderPageOf(number)), (value) => readOrder(number, value));
  }

  /** The orders on a page; null if there is no such page. */
  ordersOn(page: number): readonly StoredOrder[] | null {
    return this.get('page', numberKey('page', page), (value) => readPage(page, value));
  }

  /** Order `number` of a book that has it. @throws RaftError `LOG_DAMAGED` if it is missing. */
  orderAt(number: number): StoredOrder {
    return this.required('order', number, this.order(number));
  }

  /** Stock change `number` of a book that has it. @throws RaftError `LOG_DAMAGED` if it is missing. */
  changeAt(number: number): StockChange {
    const change = this.get('change', numberKey('change', number), (value) => readChange(number, value));
    return this.required('change', number, change);
  }

  /** @throws RaftError `LOG_DAMAGED` if the record is missing. */
  required<T>(table: Table | 'order', number: number, record: T | null): T {
    if (record === null) throw this.damage(`${table} ${number} is missing`);
    return record;
  }
}
