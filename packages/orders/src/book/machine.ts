/**
 * The order book as a Raft state machine. `apply` runs the rules at once, so that a committed entry is
 * decided and answered without waiting for this replica's disk. The store is written a few milliseconds
 * later, with many applies in one write.
 *
 *     entries -> rules (`onApplied`) -> pending writes -> one atomic write (`onStored`), readable from then on
 *
 * The log contains all of it: after a crash, entries that were not stored are applied again.
 */
import { assertInvariant, decodeBatch } from '@trireme/domain';
import type { Entry, SnapshotSupport, StateMachine } from '@trireme/raft';
import type { Book } from '../rules/book/book.js';
import type {
  StoredOrder,
  BookEntry,
  BookMeta,
  BookReader,
  BookWrite,
  DecidedBatch,
} from '../rules/book/state.js';

/** The storage of a book; reads return what was written. */
export interface BookStorage extends BookReader {
  /** Writes all of them or, if the process dies, none of them. */
  write(writes: readonly BookWrite[]): Promise<void>;
  /** Order `number`, which the book contains. @throws RaftError `LOG_DAMAGED` if it is missing. */
  orderAt(number: number): StoredOrder;
  /** See `BookStore`. */
  orderSlices(after: number, last: number, name: string | null): AsyncIterable<OrderSlice>;
  close(): Promise<void>;
}

/** Consecutive orders. */
export interface OrderSlice {
  /** Number of the last order covered. */
  readonly lastNumber: number;
  orders(): readonly StoredOrder[];
}

export interface MachineEvents {
  /**
   * Entries up to log index `index` are committed and applied; `decided` are the batches of commands among
   * them.
   */
  onApplied(index: number, decided: readonly DecidedBatch[]): void;
  /** Everything up to log index `index` can be read from the store. */
  onStored(index: number): void;
  /** The store cannot be written, or `onStored` failed: the process has to stop. */
  onError(error: unknown): void;
}

/** Delay from an apply to the write that contains it, in milliseconds. */
const WRITE_AFTER_MS = 10;
/** Maximum number of pending records; at the limit the next apply waits for the store. */
const PENDING_RECORDS_MAX = 20_000;

export class BookStateMachine<Store extends BookStorage = BookStorage> implements StateMachine {
  readonly snapshots?: SnapshotSupport;
  readonly #events: MachineEvents;
  #book: Book;
  #store: Store;
  #stored: BookMeta;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  /** @param snapshots creates the snapshot support of this machine; without it the machine has none */
  constructor(
    book: Book,
    store: Store,
    events: MachineEvents,
    snapshots?: (machine: BookStateMachine<Store>) => SnapshotSupport,
  ) {
    this.#book = book;
    this.#store = store;
    this.#events = events;
    this.#stored = { ...book.meta };
    if (snapshots !== undefined) this.snapshots = snapshots(this);
  }

  /** The book with all applied entries. */
  get book(): Book {
    return this.#book;
  }

  /** The store of the current book; installing a snapshot replaces it. */
  get store(): Store {
    return this.#store;
  }

  /** Replaces the book between two applies; everything of the current one must be stored. */
  replaceBook(book: Book, store: Store): void {
    assertInvariant(this.isStored, 'the book is replaced before it is stored');
    this.#book = book;
    this.#store = store;
    this.#stored = { ...book.meta };
  }

  /** Last log index in the store, as a restart would find it. */
  get applied(): number {
    return this.#stored.applied;
  }

  /** Meta record of the stored book; `book` may be some entries ahead. */
  get stored(): BookMeta {
    return this.#stored;
  }

  /** Whether the store contains everything that was applied. */
  get isStored(): boolean {
    return this.#stored.applied === this.#book.meta.applied;
  }

  /** Number of filled orders that are not stored, or not known from the log to be visible. */
  get unconfirmedOrders(): number {
    return this.#book.meta.orders - this.#stored.visibleOrders;
  }

  /** Resolves once the entries are applied; the store follows later. @throws the error of an earlier write. */
  async apply(entries: readonly Entry[]): Promise<void> {
    if (this.#failure !== null) throw this.#failure.error;
    try {
      const decided = this.#book.apply(entries.map(toBookEntry));
      this.#events.onApplied(this.#book.meta.applied, decided);
    } catch (error) {
      // The pending writes contain part of an entry, or a batch that was not reported: they must never be
      // stored.
      this.#failure = { error };
      throw error;
    }
    if (this.#book.pendingWriteCount >= PENDING_RECORDS_MAX) await this.flush();
    else this.#writeSoon();
  }

  /**
   * Resolves once the store contains everything applied before the call.
   * @throws RaftError `STORAGE_FAILED`, or the error of an earlier apply.
   */
  async flush(): Promise<void> {
    const { applied } = this.#book.meta;
    while (this.#stored.applied < applied) await this.#write();
  }

  /** Starts to write the pending records at once; a caller waits for them. */
  startFlush(): void {
    // `failed` reports an error.
    this.flush().catch(() => undefined);
  }

  /** Writes the pending records and closes the store. No entry may be applied afterwards. */
  async close(): Promise<void> {
    try {
      if (this.#failure === null) await this.flush();
    } finally {
      if (this.#timer !== null) clearTimeout(this.#timer);
      await this.#store.close();
    }
  }

  #writeSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.startFlush();
    }, WRITE_AFTER_MS);
  }

  /** Writes the pending records, or waits for the write in flight if there is one. */
  async #write(): Promise<void> {
    if (this.#failure !== null) throw this.#failure.error;
    this.#writing ??= this.#writePending().finally(() => (this.#writing = null));
    return this.#writing;
  }

  async #writePending(): Promise<void> {
    const book = this.#book;
    const meta = { ...book.meta };
    try {
      await this.#store.write(book.takeWrites());
      book.onWritten();
      this.#stored = meta;
      // An invariant violated by a listener is as fatal as a failed disk.
      this.#events.onStored(meta.applied);
    } catch (error) {
      this.#failure = { error };
      this.#events.onError(error);
      throw error;
    }
  }
}

function toBookEntry({ index, kind, data }: Entry): BookEntry {
  return { index, batch: kind === 'command' ? decodeBatch(data) : null, bytes: data };
}
