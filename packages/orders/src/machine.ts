/** The order book as a state machine under Raft: rules compute, the store writes, then whoever waits is told. */
import { decodeBatch } from '@trireme/domain';
import type { Entry, SnapshotSupport, StateMachine } from '@trireme/raft';
import type { Book } from './rules/book.js';
import type { BookEntry, BookMeta, PendingBatch } from './rules/state.js';
import type { BookStore } from './store.js';

export interface MachineEvents {
  /** Committed batches to be decided. Told before the write: that they are committed is in the log already. */
  pending(batches: readonly PendingBatch[]): void;
  /** Everything up to log index `applied` can be read from the store; `settled` names what became settled by it. */
  applied(applied: number, settled: readonly PendingBatch[]): void;
}

export class BookMachine implements StateMachine {
  readonly snapshots?: SnapshotSupport;
  readonly #events: MachineEvents;
  #book: Book;
  #store: BookStore;
  #stored: BookMeta;

  /** @param snapshots makes what gives and takes this machine's snapshots; without it there are none */
  constructor(
    book: Book,
    store: BookStore,
    events: MachineEvents,
    snapshots?: (machine: BookMachine) => SnapshotSupport,
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
  get store(): BookStore {
    return this.#store;
  }

  /** Goes on with another book, between two applies. */
  become(book: Book, store: BookStore): void {
    this.#book = book;
    this.#store = store;
    this.#stored = { ...book.meta };
  }

  get applied(): number {
    return this.#stored.applied;
  }

  /** The book as it can be read from the store; the rules may be one apply ahead. */
  get stored(): BookMeta {
    return this.#stored;
  }

  async apply(entries: readonly Entry[]): Promise<void> {
    const { writes, pending, settled } = this.#book.apply(entries.map(toBookEntry));
    const meta = { ...this.#book.meta };
    this.#events.pending(pending);
    await this.#store.write(writes);
    this.#stored = meta;
    this.#events.applied(meta.applied, settled);
  }
}

function toBookEntry({ index, kind, data }: Entry): BookEntry {
  return { index, batch: kind === 'command' ? decodeBatch(data) : null, bytes: data };
}
