/** Writes the book's records, and tracks in memory which idempotency keys the book cannot contain. */
import { toStorageError } from '@trireme/raft';
import { flushLevel, type BookLevel } from './level.js';
import { BookRecords } from './records.js';
import type { BookRecord } from './record-stream.js';
import { keyText, pageRecord, tableOf, toRecord, type RecordChange } from './codec.js';
import { KeyFilter } from '../rules/book/key-filter.js';
import { OrderPages } from '../rules/book/order-pages.js';
import type { BookWrite, CommandPosition } from '../rules/book/state.js';

export class BookWriter extends BookRecords {
  /** All keys written since the book was opened; complete once those written before were added. */
  readonly #filter: KeyFilter;
  readonly #pages = new OrderPages((page) => this.ordersOn(page) ?? []);
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
   * Adds the idempotency key of a record, if it has one, to the filter. Call it for each record that was read,
   * and before each is written.
   */
  protected addToFilter(key: Uint8Array): void {
    if (tableOf(key) === 'key') this.#filter.add(keyText(key));
  }

  /** Call once every record present at opening, and not deleted since, was passed to `addToFilter`. */
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
   * @throws RaftError `STORAGE_FAILED`.
   */
  async put(records: readonly BookRecord[]): Promise<void> {
    for (const [key] of records) this.addToFilter(key);
    await this.#writeAll(records.map(([key, value]) => ({ key, value })));
  }

  /**
   * Writes the results of one or more applies atomically.
   * @throws RaftError `STORAGE_FAILED`, or `LOG_DAMAGED` if the last order page is damaged;
   *   InvariantError if an order does not follow the last one in the book: the process has to stop.
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
