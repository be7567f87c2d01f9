/** Types of the replicated state: stocks, orders and idempotency keys. */
import type { Batch, Command, Order, Outcome, Stock } from '@trireme/domain';
import { EMPTY_HASH } from '@trireme/state-machine';

/** The meta record; part of every write, so that it always matches the other records. */
export interface BookMeta {
  /** Last log index applied. */
  readonly applied: number;
  /** Times of the latest batch, as in `Batch`; neither ever falls. */
  readonly age: number;
  readonly time: number;
  /** Number of filled orders, which is also the last order number. */
  readonly orders: number;
  /** How many of them the log calls visible: the orders that a follower may show. */
  readonly visibleOrders: number;
  /** Batches with commands are numbered densely from 1 (`seq`): the first one retained, and the last. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Log index of batch `lastSeq`, 0 if there was none. */
  readonly lastIndex: number;
  /** Number of idempotency keys. */
  readonly keys: number;
  /** Number of listings and restocks carried out; they are numbered densely from 1. */
  readonly changes: number;
  readonly stocks: number;
  /**
   * Life of the cluster, a random id of one history of it, used in entity tags; empty before the first part
   * of the seed.
   */
  readonly life: string;
  /** Number of seed parts applied, and in total; equal and above 0 once the seed is complete. */
  readonly seedApplied: number;
  readonly seedParts: number;
  /** Hash of the seed; empty before it is complete. */
  readonly seedHash: string;
  /**
   * Ids of the catalogs that a leader waits for, as of the last entry that names them; empty before the
   * first.
   */
  readonly catalogs: readonly string[];
  /** Log index of that entry, 0 if there was none. */
  readonly catalogsIndex: number;
  /**
   * Running hash over the seed and every batch with its outcomes; equal hashes mean equal stocks, orders and
   * keys. 64 hex digits.
   */
  readonly hash: string;
}

export const EMPTY_META: BookMeta = {
  applied: 0,
  age: 0,
  time: 0,
  orders: 0,
  visibleOrders: 0,
  firstSeq: 1,
  lastSeq: 0,
  lastIndex: 0,
  keys: 0,
  changes: 0,
  stocks: 0,
  life: '',
  seedApplied: 0,
  seedParts: 0,
  seedHash: '',
  catalogs: [],
  catalogsIndex: 0,
  hash: EMPTY_HASH,
};

/** Whether the seed is complete; before that the log contains no commands. */
export function isSeeded({ seedApplied, seedParts }: BookMeta): boolean {
  return seedParts > 0 && seedApplied === seedParts;
}

/** Position of a command: its retained batch, and its position in that batch. */
export interface CommandPosition {
  readonly seq: number;
  readonly position: number;
}

/** A batch with commands and their outcomes, retained for the lifetime of its keys. */
export interface RetainedBatch {
  readonly seq: number;
  /** Log index. */
  readonly index: number;
  /** Times of the batch. */
  readonly age: number;
  readonly time: number;
  /** Positions of commands whose key was used before; they have no effect. */
  readonly skip: readonly number[];
  /** Number of the first order that the batch filled, or of the next order if it filled none. */
  readonly firstNumber: number;
  /** One outcome per command. */
  readonly outcomes: readonly Outcome[];
  /** The log entry's bytes, an encoded `Batch`. */
  readonly bytes: Uint8Array;
}

/** A batch that was just applied. */
export interface DecidedBatch extends RetainedBatch {
  readonly commands: readonly Command[];
  /** The running hash including this batch. */
  readonly hash: string;
  /** The stocks that it changed, as they were before; null for one that was not listed. */
  readonly before: ReadonlyMap<string, Stock | null>;
}

/** An order in the book, with the log index of its batch. */
export interface StoredOrder extends Order {
  readonly index: number;
}

/** A listing or restock that was carried out. */
export interface StockChange {
  readonly change: number;
  readonly index: number;
  readonly kind: 'list' | 'restock';
  readonly name: string;
  /** Cents for a listing, units for a restock. */
  readonly amount: number;
}

/** A command that the book contains, and its outcome. */
export interface RecordedCommand {
  readonly command: Command;
  /** Log index of its batch. */
  readonly index: number;
  readonly outcome: Outcome;
  /** Its order number if it was filled. */
  readonly number: number;
}

/** A write to the store. Writes are applied atomically in groups. */
export type BookWrite =
  | { readonly table: 'meta'; readonly value: BookMeta }
  | { readonly table: 'key'; readonly key: string; readonly value: CommandPosition | null }
  | { readonly table: 'batch'; readonly seq: number; readonly value: RetainedBatch | null }
  | { readonly table: 'order'; readonly value: StoredOrder }
  | { readonly table: 'change'; readonly value: StockChange }
  | { readonly table: 'stock'; readonly name: string; readonly value: Stock | null };

/** What the rules read from the store: everything that was written. */
export interface BookReader {
  positionOf(key: string): CommandPosition | null;
  batch(seq: number): RetainedBatch | null;
}

/** A log entry as the book applies it; `batch` is null for a no-op. */
export interface BookEntry {
  readonly index: number;
  readonly batch: Batch | null;
  readonly bytes: Uint8Array;
}
