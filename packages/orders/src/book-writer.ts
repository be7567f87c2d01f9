/** What is written to the book, and which keys it surely does not have: that is known from every key that was written. */
import { storageFailure } from '@trireme/raft';
import { flushLevel, type BookLevel } from './book-level.js';
import { BookRecords } from './book-records.js';
import type { BookRecord } from './record-stream.js';
import { keyText, pageRecord, tableOf, toRecord } from './records.js';
import { KeyFilter } from './rules/key-filter.js';
import { OrderPages } from './rules/order-pages.js';
import type { BookWrite, Place } from './rules/state.js';

export class BookWriter extends BookRecords {
  /** Every key that was written since the book was opened; all that it has, once those before were noted. */
  readonly #filter: KeyFilter;
  readonly #pages = new OrderPages((page) => this.ordersOn(page) ?? []);
  #keyLookUps = 0;

  /** @param isEmpty whether there is no record at all in `db` */
  protected constructor(db: BookLevel, path: string, isEmpty: boolean) {
    super(db, path);
    this.#filter = new KeyFilter(isEmpty);
  }

  /** Keys that were looked for on disk since the book was opened. */
  get keyLookUps(): number {
    return this.#keyLookUps;
  }

  override place(key: string): Place | null {
    if (!this.#filter.mayHave(key)) return null;
    this.#keyLookUps += 1;
    return super.place(key);
  }

  /** A record was found in the book, or is about to be written: its key may be asked for, if it is of that table. */
  protected noteKey(key: Uint8Array): void {
    if (tableOf(key) === 'key') this.#filter.add(keyText(key));
  }

  /** Every record that was there when the book was opened has been noted, but for those that are gone since. */
  protected keysNoted(): void {
    this.#filter.complete();
  }

  /**
   * Makes all that was written survive a power loss.
   * @throws RaftError `STORAGE_FAILED`.
   */
  async sync(): Promise<void> {
    await this.#attempt(async () => flushLevel(this.db));
  }

  /** Writes records as they are. @throws RaftError `STORAGE_FAILED`. */
  async put(records: readonly BookRecord[]): Promise<void> {
    await this.#attempt(async () => {
      const batch = this.db.batch();
      for (const [key, value] of records) {
        this.noteKey(key);
        batch.put(key, value);
      }
      await batch.write();
    });
  }

  /**
   * Writes what some applies made, atomically.
   * @throws RaftError `STORAGE_FAILED`, or `LOG_DAMAGED` if the last page of orders is; InvariantError where an order does
   *   not follow on those in the book: the process has to stop.
   */
  async write(writes: readonly BookWrite[]): Promise<void> {
    for (const write of writes) if (write.table === 'order') this.#pages.add(write.value);
    await this.#attempt(async () => {
      const batch = this.db.batch();
      for (const write of writes) {
        if (write.table === 'order') continue;
        const { key, value } = toRecord(write);
        if (write.table === 'key' && write.value !== null) this.#filter.add(write.key);
        if (value === null) batch.del(key);
        else batch.put(key, value);
      }
      for (const { page, orders } of this.#pages.take()) {
        const { key, value } = pageRecord(page, orders);
        batch.put(key, value);
      }
      await batch.write();
    });
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      throw storageFailure(this.path, `the order book at ${this.path} cannot be written`, error);
    }
  }
}
