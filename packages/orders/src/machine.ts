/**
 * The order book as a state machine under Raft: rules compute at once, so that what is committed is decided and answered
 * without waiting for this disk; the store is written a few milliseconds later, many applies in one write.
 *
 *     entries -> rules: `applied` -> gathered -> one atomic write: `stored`, and read from the store from then on
 *
 * The log has all of it: what a crash takes from here is applied again.
 */
import { assertRule, decodeBatch } from '@trireme/domain';
import type { Entry, SnapshotSupport, StateMachine } from '@trireme/raft';
import type { Book } from './rules/book.js';
import type { BookedOrder, BookEntry, BookMeta, BookReader, BookWrite, DecidedBatch } from './rules/state.js';

/** Where a book is kept, and read from as it was written. */
export interface BookStorage extends BookReader {
  /** Writes all of them or, if the process dies, none. */
  write(writes: readonly BookWrite[]): Promise<void>;
  /** Order `number`, which the book has. @throws RaftError `LOG_DAMAGED` if it is not there. */
  orderAt(number: number): BookedOrder;
  /** See `BookStore`. */
  orderSlices(after: number, last: number, name: string | null): AsyncIterable<OrderSlice>;
  close(): Promise<void>;
}

/** Some orders in their order. */
export interface OrderSlice {
  /** The number that it reaches to. */
  readonly upTo: number;
  orders(): readonly BookedOrder[];
}

export interface MachineEvents {
  /** Entries up to log index `index` are committed and were applied; `decided` are the batches of commands among them. */
  applied(index: number, decided: readonly DecidedBatch[]): void;
  /** Everything up to log index `index` can be read from the store. */
  stored(index: number): void;
  /** The store cannot be written, or whoever was told of it failed: the process has to stop. */
  failed(error: unknown): void;
}

/** From an apply to the write that takes it along, with all others of that time, in milliseconds. */
const WRITE_AFTER_MS = 10;
/** Writes that gather at most; at the bound the next apply waits for the store. */
const GATHERED_MAX = 20_000;

export class BookMachine<Store extends BookStorage = BookStorage> implements StateMachine {
  readonly snapshots?: SnapshotSupport;
  readonly #events: MachineEvents;
  #book: Book;
  #store: Store;
  #stored: BookMeta;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  /** @param snapshots makes what gives and takes this machine's snapshots; without it there are none */
  constructor(
    book: Book,
    store: Store,
    events: MachineEvents,
    snapshots?: (machine: BookMachine<Store>) => SnapshotSupport,
  ) {
    this.#book = book;
    this.#store = store;
    this.#events = events;
    this.#stored = { ...book.meta };
    if (snapshots !== undefined) this.snapshots = snapshots(this);
  }

  /** The rules that entries are applied to. */
  get book(): Book {
    return this.#book;
  }

  /** Where the book is read now; a snapshot that is installed brings another one. */
  get store(): Store {
    return this.#store;
  }

  /** Goes on with another book, between two applies, once everything of this one is written. */
  become(book: Book, store: Store): void {
    assertRule(this.isStored, 'a book is given up that is not written');
    this.#book = book;
    this.#store = store;
    this.#stored = { ...book.meta };
  }

  /** What is in the store, and would be there after a restart. */
  get applied(): number {
    return this.#stored.applied;
  }

  /** The book as it can be read from the store; the rules may be some applies ahead. */
  get stored(): BookMeta {
    return this.#stored;
  }

  /** Whether the store has everything that was applied. */
  get isStored(): boolean {
    return this.#stored.applied === this.#book.meta.applied;
  }

  /** Filled orders that the store does not have, or that the log does not call visible yet. */
  get pending(): number {
    return this.#book.meta.orders - this.#stored.visibleOrders;
  }

  /** Resolves once the rules have taken the entries in; the store follows. @throws what a write before has thrown. */
  async apply(entries: readonly Entry[]): Promise<void> {
    if (this.#failure !== null) throw this.#failure.error;
    try {
      const decided = this.#book.apply(entries.map(toBookEntry));
      this.#events.applied(this.#book.meta.applied, decided);
    } catch (error) {
      // What gathered holds part of an entry, or what nobody was told of: it must never be stored.
      this.#failure = { error };
      throw error;
    }
    if (this.#book.gathered >= GATHERED_MAX) await this.flush();
    else this.#writeSoon();
  }

  /**
   * Resolves once the store has all that was applied before the call.
   * @throws RaftError `STORAGE_FAILED`, or what an apply has thrown.
   */
  async flush(): Promise<void> {
    const { applied } = this.#book.meta;
    while (this.#stored.applied < applied) await this.#write();
  }

  /** Has what has gathered written now; someone waits for it. */
  hurry(): void {
    // A failure is told by an event.
    this.flush().catch(() => undefined);
  }

  /** Writes what is left, and closes the store. Nothing is applied any more. */
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
      this.hurry();
    }, WRITE_AFTER_MS);
  }

  /** Writes what has gathered; where a write is under way already, that one is waited for instead. */
  async #write(): Promise<void> {
    if (this.#failure !== null) throw this.#failure.error;
    this.#writing ??= this.#writeGathered().finally(() => (this.#writing = null));
    return this.#writing;
  }

  async #writeGathered(): Promise<void> {
    const book = this.#book;
    const meta = { ...book.meta };
    try {
      await this.#store.write(book.takeWrites());
      book.written();
      this.#stored = meta;
      // A rule that breaks where this is told is as fatal as a disk that fails.
      this.#events.stored(meta.applied);
    } catch (error) {
      this.#failure = { error };
      this.#events.failed(error);
      throw error;
    }
  }
}

function toBookEntry({ index, kind, data }: Entry): BookEntry {
  return { index, batch: kind === 'command' ? decodeBatch(data) : null, bytes: data };
}
