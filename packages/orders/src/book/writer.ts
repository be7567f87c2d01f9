/** Writes the book's records, and adds the idempotency keys among them to the key filter. */
import { toStorageError } from '@trireme/raft/level';
import { flushLevel } from './level.js';
import type { BookRecords } from './records.js';
import type { BookRecord } from './record-stream.js';
import { keyText, pageRecord, tableOf, toRecord, type RecordChange } from './codec.js';
import type { KeyFilter } from '../rules/book/key-filter.js';
import { OrderPages } from '../rules/book/order-pages.js';
import type { BookWrite } from '../rules/book/state.js';

export class BookWriter {
  readonly #records: BookRecords;
  readonly #filter: KeyFilter;
  readonly #pages: OrderPages;

  constructor(records: BookRecords, filter: KeyFilter) {
    this.#records = records;
    this.#filter = filter;
    this.#pages = new OrderPages((page) => records.ordersOn(page) ?? []);
  }

  /**
   * Makes all writes durable against power loss.
   * @throws RaftError `STORAGE_FAILED`.
   */
  async sync(): Promise<void> {
    await this.#attempt(async () => flushLevel(this.#records.db));
  }

  /**
   * Writes raw records. No other write may run at the same time.
   * @throws RaftError `STORAGE_FAILED`.
   */
  async put(records: readonly BookRecord[]): Promise<void> {
    for (const [key] of records) addKeyTo(this.#filter, key);
    await this.#writeAll(records.map(([key, value]) => ({ key, value })));
  }

  /**
   * Writes the results of one or more applies atomically.
   * @throws RaftError `STORAGE_FAILED`, or `LOG_DAMAGED` if the last order page is damaged; InvariantError if an
   *   order does not follow the last one in the book: the process has to stop.
   */
  async write(writes: readonly BookWrite[]): Promise<void> {
    const changes: RecordChange[] = [];
    for (const write of writes) {
      if (write.table === 'order') {
        this.#pages.add(write.value);
        continue;
      }
      if (write.table === 'key' && write.value !== null) this.#filter.add(write.key);
      changes.push(toRecord(write));
    }
    for (const { page, orders } of this.#pages.takeChanges()) changes.push(pageRecord(page, orders));
    await this.#writeAll(changes);
  }

  async #writeAll(changes: readonly RecordChange[]): Promise<void> {
    await this.#attempt(async () => {
      const batch = this.#records.db.batch();
      for (const { key, value } of changes) {
        if (value === null) batch.del(key);
        else batch.put(key, value);
      }
      await batch.write();
    });
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    const { path } = this.#records;
    try {
      await write();
    } catch (error) {
      throw toStorageError(path, `cannot write the order book at ${path}`, error);
    }
  }
}

/** Adds the idempotency key in a record's key, if it has one, to the filter. */
export function addKeyTo(filter: KeyFilter, recordKey: Uint8Array): void {
  if (tableOf(recordKey) === 'key') filter.add(keyText(recordKey));
}
