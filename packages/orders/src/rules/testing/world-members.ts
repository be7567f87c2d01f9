/** Who is in the world: replicas that apply one log, and leads of theirs. */
import { decodeBatch, type CatalogToReplica, type ReplicaToCatalog } from '@trireme/domain';
import type { Book } from '../book.js';
import { CatalogFeed } from '../catalog-feed.js';
import { CommandQueue } from '../command-queue.js';
import { IdempotencyIndex } from '../idempotency-index.js';
import { LogClock } from '../log-clock.js';
import { ReadWaits } from '../read-waits.js';
import { RecentBatches } from '../recent-batches.js';
import type { BookEntry, BookMeta, BookWrite, DecidedBatch } from '../state.js';
import type { MemoryStore } from './memory-store.js';
import { AUTHORITY_MS } from './reference-catalog.js';

export interface Replica {
  store: MemoryStore;
  book: Book;
  recent: RecentBatches;
  /** A write that is not finished, and the log index that it reaches to. */
  writing: { readonly writes: readonly BookWrite[]; readonly applied: number } | null;
}

/** A read that only the leader answers; it was asked when order `told` had been told to somebody. */
interface SureRead {
  readonly told: number;
  /** As of which commit index the majority has confirmed it; null before. */
  commit: number | null;
}

/** One lead of one replica, from its begin until it learns that it is over. */
export interface Lead {
  /** Tells its link to the catalog from others. */
  readonly id: number;
  readonly replica: Replica;
  readonly queue: CommandQueue;
  readonly feed: CatalogFeed;
  readonly clock: LogClock;
  readonly waits: ReadWaits;
  isLinked: boolean;
  up: ReplicaToCatalog[];
  down: CatalogToReplica[];
  /** Requests for authority whose rounds have begun. */
  rounds: number[];
  /** Confirmed by the majority, as of this commit index, and not yet told. */
  granted: { readonly id: number; readonly commit: number }[];
  reads: SureRead[];
  /** Last log index as this leader knows the log. */
  lastIndex: number;
  /** How far the log was committed when it was deposed: it may learn of no more. */
  deposedAt: number;
}

/** A replica begins to lead at `now`; it has applied the log up to `lastIndex`. */
export function newLead(id: number, replica: Replica, lastIndex: number, now: number): Lead {
  const { book, store } = replica;
  restartRecent(replica);
  const known = new IdempotencyIndex(book);
  const limits = { openMax: 40, invisibleMax: 15 };
  return {
    ...{ id, replica, lastIndex },
    queue: new CommandQueue(
      { ...book.meta, storedIndex: store.meta.applied },
      (key) => known.find(key),
      limits,
    ),
    feed: new CatalogFeed({
      term: id,
      book,
      recent: replica.recent,
      authorityMs: AUTHORITY_MS,
      electedAt: now,
    }),
    clock: new LogClock(book.meta, now),
    waits: new ReadWaits(20),
    isLinked: false,
    up: [],
    down: [],
    rounds: [],
    granted: [],
    reads: [],
    deposedAt: Infinity,
  };
}

/** Its rules apply the next entries of the log; what they make gathers to be written. */
export function applyTo(
  { book, recent }: Replica,
  entries: readonly (Uint8Array | null)[],
  visible = Infinity,
): readonly DecidedBatch[] {
  const { applied } = book.meta;
  const decided = book.apply(entries.map((bytes, i) => toEntry(applied + 1 + i, bytes)));
  for (const batch of decided) recent.add(batch, visible);
  return decided;
}

function restartRecent({ book, recent }: Replica): void {
  const { lastSeq: seq, lastIndex: index, hash } = book.meta;
  if (recent.last.index !== index || recent.last.hash !== hash) recent.restart({ seq, index, hash });
}

/** Begins to write what has gathered, if nothing is being written. */
export function beginWrite(replica: Replica): void {
  if (replica.writing !== null) return;
  const { applied } = replica.book.meta;
  const writes = replica.book.takeWrites();
  if (writes.length > 0) replica.writing = { writes, applied };
}

/** The write is over, if there is one. Returns the log index that it reaches to, null if there was none. */
export function endWrite(replica: Replica): number | null {
  const { writing, store, book } = replica;
  if (writing === null) return null;
  replica.writing = null;
  store.write(writing.writes);
  book.written();
  return writing.applied;
}

export function newReplica(store: MemoryStore): Replica {
  const recent = new RecentBatches({ seq: 0, index: 0, hash: '' }, { batchesMax: 6, bytesMax: 2000 });
  return { store, book: store.open(), recent, writing: null };
}

export function toEntry(index: number, bytes: Uint8Array | null): BookEntry {
  return { index, batch: bytes === null ? null : decodeBatch(bytes), bytes: bytes ?? new Uint8Array() };
}

/** Orders up to this number may be shown by the replica, and are stored there. */
export function shownBy(
  { store }: { readonly store: { readonly meta: BookMeta } },
  lead: Lead | undefined,
): number {
  return Math.min(store.meta.orders, lead?.queue.visibleOrders ?? store.meta.visibleOrders);
}
