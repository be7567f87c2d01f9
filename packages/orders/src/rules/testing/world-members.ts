/** Who is in the world: replicas that apply one log, and leads of theirs. */
import { decodeBatch, type CatalogToLeader, type LeaderToCatalog } from '@trireme/domain';
import { Book } from '../book.js';
import { Desk } from '../desk.js';
import { KnownCommands } from '../known.js';
import { LogClock } from '../log-clock.js';
import { Settler } from '../settler.js';
import type { Applied, BookEntry, BookWrite, PendingBatch } from '../state.js';
import type { MemoryStore } from './memory-store.js';

export interface Replica {
  store: MemoryStore;
  book: Book;
  /** Settled by what has gathered and is not being written. */
  settled: PendingBatch[];
  /** A write that is not finished, and what it settles. */
  writing: { readonly writes: readonly BookWrite[]; readonly settled: readonly PendingBatch[] } | null;
}

/** One lead of one replica, from its begin until it learns that it is over. */
export interface Lead {
  readonly replica: Replica;
  readonly desk: Desk;
  readonly settler: Settler;
  readonly clock: LogClock;
  isLinked: boolean;
  up: LeaderToCatalog[];
  down: CatalogToLeader[];
  rounds: number[];
  /** Confirmed by the majority, as of this commit index, and not yet told. */
  granted: { readonly round: number; readonly commit: number }[];
  effectReads: { readonly round: number; readonly after: number }[];
  /** Last log index as this leader knows the log. */
  lastIndex: number;
  /** The highest index that any catalog had decided when it last said where it stands. */
  decidedAtStanding: number;
}

/** A replica begins to lead at `now`; it has applied the log up to `lastIndex`. */
export function newLead(replica: Replica, lastIndex: number, now: number): Lead {
  const { book, store } = replica;
  const known = new KnownCommands(store);
  const limits = { openMax: 40, undecidedMax: 15 };
  return {
    replica,
    desk: new Desk(book.meta.orders, book.pending, (key) => known.find(key), limits),
    settler: new Settler(book.meta, book.pending),
    clock: new LogClock(book.meta, now),
    isLinked: false,
    up: [],
    down: [],
    rounds: [],
    granted: [],
    effectReads: [],
    lastIndex,
    decidedAtStanding: 0,
  };
}

/** Its rules apply the next entries of the log; what they make gathers to be written. */
export function applyTo({ book, settled }: Replica, entries: readonly (Uint8Array | null)[]): Applied {
  const { applied } = book.meta;
  const result = book.apply(entries.map((bytes, i) => toEntry(applied + 1 + i, bytes)));
  settled.push(...result.settled);
  return result;
}

/** Begins to write what has gathered, if nothing is being written. */
export function beginWrite(replica: Replica): void {
  if (replica.writing !== null) return;
  const writes = replica.book.takeWrites();
  if (writes.length === 0) return;
  replica.writing = { writes, settled: replica.settled };
  replica.settled = [];
}

/** The write is over, if there is one. Returns what it settled. */
export function endWrite(replica: Replica): readonly PendingBatch[] {
  const { writing, store, book } = replica;
  if (writing === null) return [];
  replica.writing = null;
  store.write(writing.writes);
  book.written();
  return writing.settled;
}

/** The book as its store has it. */
export const restartedBook = ({ store }: Pick<Replica, 'store'>): Book =>
  new Book(store, store.meta, store.pending);

export function newReplica(store: MemoryStore): Replica {
  return { store, book: restartedBook({ store }), settled: [], writing: null };
}

export function toEntry(index: number, bytes: Uint8Array | null): BookEntry {
  return { index, batch: bytes === null ? null : decodeBatch(bytes), bytes: bytes ?? new Uint8Array() };
}
