/** The order book as a state machine under Raft: rules compute, the store writes, then whoever waits is told. */
import { decodeBatch } from '@trireme/domain';
import type { Entry, StateMachine } from '@trireme/raft';
import type { Book } from './rules/book.js';
import type { BookEntry, BookMeta, PendingBatch } from './rules/state.js';
import type { BookStore } from './store.js';

interface MachineEvents {
  /** Committed batches to be decided. Told before the write: that they are committed is in the log already. */
  pending(batches: readonly PendingBatch[]): void;
  /** Everything up to log index `applied` can be read from the store; `settled` names what became settled by it. */
  applied(applied: number, settled: readonly PendingBatch[]): void;
}

export class BookMachine implements StateMachine {
  readonly #book: Book;
  readonly #store: BookStore;
  readonly #events: MachineEvents;
  #stored: BookMeta;

  constructor(book: Book, store: BookStore, events: MachineEvents) {
    this.#book = book;
    this.#store = store;
    this.#events = events;
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
