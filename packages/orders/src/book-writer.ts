/** What is written to the book, and which keys it surely does not have: that is known from every key that was written. */
import { storageFailure } from '@trireme/raft';
import { flushLevel, type BookLevel } from './book-level.js';
import { BookRecords } from './book-records.js';
import type { BookRecord } from './record-stream.js';
import { keyPageRecord, readKeyPage } from './key-records.js';
import { keyText, pageRecord, tableOf, toRecord, unseal, type RecordChange } from './records.js';
import { KeyFilter } from './rules/key-filter.js';
import { KeyPages } from './rules/key-pages.js';
import { OrderPages } from './rules/order-pages.js';
import type { BookWrite, Place } from './rules/state.js';

export class BookWriter extends BookRecords {
  /** Every key and page of keys that was written since the book was opened; all that it has, once those before were noted. */
  readonly #filter: KeyFilter;
  readonly #pages = new OrderPages((page) => this.ordersOn(page) ?? []);
  readonly #keyPages = new KeyPages((name) => (this.#filter.mayHave(name) ? this.keyPage(name) : null));
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

  /**
   * A record was found in the book, or is about to be written: the idempotency keys in it may be asked for.
   * @throws FormatError if it is a page of keys and damaged.
   */
  protected noteKeys(key: Uint8Array, record: Uint8Array): void {
    const table = tableOf(key);
    if (table === 'key') this.#filter.add(keyText(key));
    if (table !== 'keyPage') return;
    const name = keyText(key);
    this.#filter.add(name);
    for (const paged of readKeyPage(unseal(key, record)).keys(name)) this.#filter.add(paged);
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

  /**
   * Writes records as they are, of a book that is not written to otherwise meanwhile.
   * @throws RaftError `STORAGE_FAILED`; FormatError if one is a page of keys and damaged.
   */
  async put(records: readonly BookRecord[]): Promise<void> {
    for (const record of records) this.noteKeys(...record);
    await this.#writeAll(records.map(([key, value]) => ({ key, value })));
  }

  /**
   * Writes what some applies made, atomically.
   * @throws RaftError `STORAGE_FAILED`, or `LOG_DAMAGED` if the last page of orders or a page of keys is; InvariantError where
   *   an order does not follow on those in the book: the process has to stop.
   */
  async write(writes: readonly BookWrite[]): Promise<void> {
    const changes: RecordChange[] = [];
    for (const write of writes) {
      if (write.table === 'order') this.#pages.add(write.value);
      else if (write.table !== 'key' || !this.#writeKey(write.key, write.value))
        changes.push(toRecord(write));
    }
    for (const [name, page] of this.#keyPages.take()) {
      this.#filter.add(name);
      changes.push(keyPageRecord(name, page));
    }
    for (const { page, orders } of this.#pages.take()) changes.push(pageRecord(page, orders));
    await this.#writeAll(changes);
  }

  /** Returns whether the key is on its page with that; else it is to have a record of its own. */
  #writeKey(key: string, place: Place | null): boolean {
    if (place !== null) this.#filter.add(key);
    return this.#keyPages.write(key, place);
  }

  async #writeAll(changes: readonly RecordChange[]): Promise<void> {
    await this.#attempt(async () => {
      const batch = this.db.batch();
      for (const { key, value } of changes) {
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
      throw storageFailure(this.path, `the order book at ${this.path} cannot be written`, error);
    }
  }
}
