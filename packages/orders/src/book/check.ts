/**
 * Checks every record of a book once, in key order: checksums, no gap in any table, and the counts of the
 * meta record. Used for a book that is opened and for one that arrives as a snapshot.
 */
import { FormatError, type Stock } from '@trireme/domain';
import {
  describeKey,
  keyNumber,
  keyText,
  numberKey,
  readBatch,
  readChange,
  readPage,
  readPosition,
  readStock,
  tableOf,
  unseal,
  type Table,
} from './codec.js';
import { ordersOnPage, firstOrderOf, orderPageOf } from '../rules/book/order-pages.js';
import type { BookMeta } from '../rules/book/state.js';

interface NumberRange {
  readonly first: number;
  readonly last: number;
  expected: number;
}

export class BookCheck {
  readonly #meta: BookMeta;
  readonly #runs: ReadonlyMap<Table, NumberRange>;
  /** At most `STOCKS_MAX` entries; the replicated state enforces that limit. */
  readonly #stocks = new Map<string, Stock>();
  #keys = 0;

  constructor(meta: BookMeta) {
    this.#meta = meta;
    const run = (first: number, last: number): NumberRange => ({ first, last, expected: first });
    this.#runs = new Map([
      ['page', run(1, orderPageOf(meta.orders))],
      ['change', run(1, meta.changes)],
      ['batch', run(meta.firstSeq, meta.lastSeq)],
    ]);
  }

  /**
   * Checks the next record.
   * @throws FormatError if it is damaged or unexpected, or if a record before it is missing.
   */
  visit(key: Uint8Array, record: Uint8Array): void {
    const table = tableOf(key);
    switch (table) {
      case 'meta':
      case 'identity':
      case 'restored':
        unseal(key, record);
        return;
      case 'key':
        readPosition(unseal(key, record));
        this.#keys += 1;
        return;
      case 'stock':
        this.#stocks.set(keyText(key), readStock(keyText(key), unseal(key, record)));
        return;
      case 'page':
      case 'change':
      case 'batch':
        this.#visitNumbered(table, key, record);
        return;
      case null:
        throw new FormatError(`${describeKey(key)} is unexpected`);
    }
  }

  #visitNumbered(table: 'page' | 'change' | 'batch', key: Uint8Array, record: Uint8Array): void {
    const run = this.#runs.get(table);
    const number = keyNumber(key);
    if (run === undefined || number > run.last || number < run.first) {
      throw new FormatError(`${describeKey(key)} is unexpected`);
    }
    if (number !== run.expected) {
      throw new FormatError(`${describeKey(numberKey(table, run.expected))} is missing`);
    }
    run.expected += 1;
    const value = unseal(key, record);
    if (table === 'page') this.#checkPage(number, readPage(number, value).length);
    else if (table === 'change') readChange(number, value);
    else readBatch(number, value);
  }

  #checkPage(page: number, count: number): void {
    const due = ordersOnPage(page, this.#meta.orders);
    const next = firstOrderOf(page) + Math.min(count, due);
    if (count < due) throw new FormatError(`order ${next} is missing`);
    if (count > due) throw new FormatError(`order ${next} is unexpected`);
  }

  /** Call after the last record. @returns the stocks. @throws FormatError if a record is missing. */
  finish(): readonly Stock[] {
    for (const [table, { expected, last }] of this.#runs) {
      if (expected <= last) throw new FormatError(`${describeKey(numberKey(table, expected))} is missing`);
    }
    if (this.#keys !== this.#meta.keys) {
      throw new FormatError(`found ${this.#keys} of ${this.#meta.keys} idempotency keys`);
    }
    if (this.#stocks.size !== this.#meta.stocks) {
      throw new FormatError(`found ${this.#stocks.size} of ${this.#meta.stocks} stocks`);
    }
    return [...this.#stocks.values()];
  }
}
