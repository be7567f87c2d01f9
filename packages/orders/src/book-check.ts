/**
 * Every record of a book, looked at once in the order of keys: checksums, no hole in any table, and as many of each as
 * the meta record says. For a book that is opened, and for one that comes in as a snapshot.
 */
import { FormatError, type Stock } from '@trireme/domain';
import { readKeyPage } from './key-records.js';
import {
  describeKey,
  keyNumber,
  keyText,
  numberKey,
  readBatch,
  readChange,
  readPage,
  readPlace,
  readStock,
  tableOf,
  unseal,
  type Table,
} from './records.js';
import { countOn, firstOn, pageOf } from './rules/order-pages.js';
import type { BookMeta } from './rules/state.js';

interface Run {
  readonly first: number;
  readonly last: number;
  expected: number;
}

export class BookCheck {
  readonly #meta: BookMeta;
  readonly #runs: ReadonlyMap<Table, Run>;
  /** At most `STOCKS_MAX`, which the replicated state sees to. */
  readonly #stocks = new Map<string, Stock>();
  #keys = 0;

  constructor(meta: BookMeta) {
    this.#meta = meta;
    const run = (first: number, last: number): Run => ({ first, last, expected: first });
    this.#runs = new Map([
      ['page', run(1, pageOf(meta.orders))],
      ['change', run(1, meta.changes)],
      ['batch', run(meta.firstSeq, meta.lastSeq)],
    ]);
  }

  /** The next record. @throws FormatError if it is damaged, should not be there, or another one is missing before it. */
  visit(key: Uint8Array, record: Uint8Array): void {
    const table = tableOf(key);
    switch (table) {
      case 'meta':
      case 'identity':
      case 'restored':
        unseal(key, record);
        return;
      case 'key':
        readPlace(unseal(key, record));
        this.#keys += 1;
        return;
      case 'keyPage':
        this.#keys += readKeyPage(unseal(key, record)).keys(keyText(key)).length;
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
        throw new FormatError(`${describeKey(key)} should not be there`);
    }
  }

  #visitNumbered(table: 'page' | 'change' | 'batch', key: Uint8Array, record: Uint8Array): void {
    const run = this.#runs.get(table);
    const number = keyNumber(key);
    if (run === undefined || number > run.last || number < run.first) {
      throw new FormatError(`${describeKey(key)} should not be there`);
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
    const due = countOn(page, this.#meta.orders);
    const next = firstOn(page) + Math.min(count, due);
    if (count < due) throw new FormatError(`order ${next} is missing`);
    if (count > due) throw new FormatError(`order ${next} should not be there`);
  }

  /** All records were visited. @returns the stocks. @throws FormatError if something is missing. */
  finish(): readonly Stock[] {
    for (const [table, { expected, last }] of this.#runs) {
      if (expected <= last) throw new FormatError(`${describeKey(numberKey(table, expected))} is missing`);
    }
    if (this.#keys !== this.#meta.keys) {
      throw new FormatError(`it has ${this.#keys} keys of ${this.#meta.keys}`);
    }
    if (this.#stocks.size !== this.#meta.stocks) {
      throw new FormatError(`it has ${this.#stocks.size} stocks of ${this.#meta.stocks}`);
    }
    return [...this.#stocks.values()];
  }
}
