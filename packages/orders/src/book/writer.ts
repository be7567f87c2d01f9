/** Writes the book's records, and tracks in memory which idempotency keys the book cannot contain. */
import { toStorageError } from '@trireme/raft';
import { flushLevel, type BookLevel } from './level.js';
import { BookRecords } from './records.js';
import type { BookRecord } from './record-stream.js';
import { keyPageRecord, readKeyPage } from './key-records.js';
import { keyText, pageRecord, tableOf, toRecord, unseal, type RecordChange } from './codec.js';
import { KeyFilter } from '../rules/book/key-filter.js';
import { KeyPages } from '../rules/book/key-pages.js';
import { OrderPages } from '../rules/book/order-pages.js';
import type { BookWrite, CommandPosition } from '../rules/book/state.js';

export class BookWriter extends BookRecords {
  /**
   * All keys and key pages written since the book was opened; complete once those written before were added.
   */
  readonly #filter: KeyFilter;
  readonly #pages = new OrderPages((page) => this.ordersOn(page) ?? []);
  readonly #keyPages = new KeyPages((name) => (this.#filter.mightContain(name) ? this.keyPage(name) : null));
  #keyLookUps = 0;

  /** @param isEmpty whether `db` has no record at all */
  protected constructor(db: BookLevel, path: string, isEmpty: boolean) {
    super(db, path);
    this.#filter = new KeyFilter(isEmpty);
  }

  /** Number of keys looked up on disk since the book was opened. */
  get keyLookUps(): number {
    return this.#keyLookUps;
  }

  override positionOf(key: string): CommandPosition | null {
    if (!this.#filter.mightContain(key)) return null;
    this.#keyLookUps += 1;
    return super.positionOf(key);
  }

  /**
   * Adds the idempotency keys of a record to the filter. Call it for each record that was read, and before
   * each is written.
   * @throws FormatError if the record is a damaged key page.
   */
  protected addKeysToFilter(key: Uint8Array, record: Uint8Array): void {
    const table = tableOf(key);
    if (table === 'key') this.#filter.add(keyText(key));
    if (table !== 'keyPage') return;
    const name = keyText(key);
    this.#filter.add(name);
    for (const paged of readKeyPage(unseal(key, record)).keys(name)) this.#filter.add(paged);
  }

  /** Call once every record present at opening, and not deleted since, was passed to `noteKeys`. */
  protected markFilterComplete(): void {
    this.#filter.markComplete();
  }

  /**
   * Makes all writes durable against power loss.
   * @throws RaftError `STORAGE_FAILED`.
   */
  async sync(): Promise<void> {
    await this.#attempt(async () => flushLevel(this.db));
  }

  /**
   * Writes raw records. No other write may run at the same time.
   * @throws RaftError `STORAGE_FAILED`; FormatError if one is a damaged key page.
   */
  async put(records: readonly BookRecord[]): Promise<void> {
    for (const record of records) this.addKeysToFilter(...record);
    await this.#writeAll(records.map(([key, value]) => ({ key, value })));
  }

  /**
   * Writes the results of one or more applies atomically.
   * @throws RaftError `STORAGE_FAILED`, or `LOG_DAMAGED` if the last order page or a key page is damaged;
   *   InvariantError if an order does not follow the last one in the book: the process has to stop.
   */
  async write(writes: readonly BookWrite[]): Promise<void> {
    const changes: RecordChange[] = [];
    for (const write of writes) {
      if (write.table === 'order') this.#pages.add(write.value);
      else if (write.table !== 'key' || !this.#writeKey(write.key, write.value))
        changes.push(toRecord(write));
    }
    for (const [name, page] of this.#keyPages.takeChanges()) {
      this.#filter.add(name);
      changes.push(keyPageRecord(name, page));
    }
    for (const { page, orders } of this.#pages.takeChanges()) changes.push(pageRecord(page, orders));
    await this.#writeAll(changes);
  }

  /** Returns whether the key's page took the change; otherwise the key needs a record of its own. */
  #writeKey(key: string, place: CommandPosition | null): boolean {
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
      throw toStorageError(this.path, `cannot write the order book at ${this.path}`, error);
    }
  }
}
