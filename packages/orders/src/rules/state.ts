/** What a replica keeps: stocks, orders and keys, in the shapes that its rules work on. */
import type { Batch, Command, Order, Outcome, Stock } from '@trireme/domain';
import { EMPTY_HASH } from '@trireme/state-machine';

/** The one record that is in every write, atomically with what it speaks of. */
export interface BookMeta {
  /** Last log index applied. */
  readonly applied: number;
  /** Times of the latest batch, as `Batch` has them; neither ever falls. */
  readonly age: number;
  readonly time: number;
  /** Filled orders, which is also the last order number given. */
  readonly orders: number;
  /** Of these, those that the log says are visible: what a replica that does not lead may show. */
  readonly visibleOrders: number;
  /** Batches with commands are numbered densely from 1 (`seq`): the first one still kept, and the last. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Log index of batch `lastSeq`, 0 if there was none. */
  readonly lastIndex: number;
  /** Idempotency keys kept. */
  readonly keys: number;
  /** Stock changes (listings and restocks) that were done; numbered densely from 1. */
  readonly changes: number;
  readonly stocks: number;
  /** Life of the cluster, as entity tags name it; empty before the first part of the seed. */
  readonly life: string;
  /** Parts of the seed that were applied, and how many it has; equal once it is complete, and above 0. */
  readonly seedApplied: number;
  readonly seedParts: number;
  /** Tells what the cluster was seeded with; empty before it is. */
  readonly seedHash: string;
  /** Ids of the catalogs that a leader waits for, as the last entry says that names any; empty before the first. */
  readonly catalogs: readonly string[];
  /** Log index of that entry, 0 if there was none. */
  readonly catalogsIndex: number;
  /** Running hash over the seed, and every batch with its outcomes: equal stocks, orders and keys have equal hashes. 64 hex digits. */
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

/** Whether the cluster has its stocks; before that the log holds no commands. */
export function isSeeded({ seedApplied, seedParts }: BookMeta): boolean {
  return seedParts > 0 && seedApplied === seedParts;
}

/** Where a command stands: in which kept batch, and at which position of it. */
export interface Place {
  readonly seq: number;
  readonly position: number;
}

/** A batch with commands and what became of them, as kept for its keys' lifetime. */
export interface KeptBatch {
  readonly seq: number;
  /** Log index. */
  readonly index: number;
  /** Times of the batch. */
  readonly age: number;
  readonly time: number;
  /** Positions whose key had been used before; they make nothing. */
  readonly skip: readonly number[];
  /** Number of the first order that the batch filled, or would have. */
  readonly firstNumber: number;
  /** One for each command. */
  readonly outcomes: readonly Outcome[];
  /** The log entry's bytes, an encoded `Batch`. */
  readonly bytes: Uint8Array;
}

/** A batch that was just applied. */
export interface DecidedBatch extends KeptBatch {
  readonly commands: readonly Command[];
  /** The running hash with this batch. */
  readonly hash: string;
  /** The stocks that it changed, as they were before; null for one that was not listed. */
  readonly before: ReadonlyMap<string, Stock | null>;
}

/** An order in the book, with the log index of its batch. */
export interface BookedOrder extends Order {
  readonly index: number;
}

/** A listing or restock that was done. */
export interface StockChange {
  readonly change: number;
  readonly index: number;
  readonly kind: 'list' | 'restock';
  readonly name: string;
  /** Cents for a listing, units for a restock. */
  readonly amount: number;
}

/** A command that the book knows already, and what became of it. */
export interface KnownCommand {
  readonly command: Command;
  /** Log index of its batch. */
  readonly index: number;
  readonly outcome: Outcome;
  /** Its order number where it was filled. */
  readonly number: number;
}

/** One write to the store. A set of them is applied atomically. */
export type BookWrite =
  | { readonly table: 'meta'; readonly value: BookMeta }
  | { readonly table: 'key'; readonly key: string; readonly value: Place | null }
  | { readonly table: 'batch'; readonly seq: number; readonly value: KeptBatch | null }
  | { readonly table: 'order'; readonly value: BookedOrder }
  | { readonly table: 'change'; readonly value: StockChange }
  | { readonly table: 'stock'; readonly name: string; readonly value: Stock | null };

/** What the rules read of the store: everything that was written. */
export interface BookReader {
  place(key: string): Place | null;
  batch(seq: number): KeptBatch | null;
}

/** A log entry as the book sees it; `batch` is null for a no-op. */
export interface BookEntry {
  readonly index: number;
  readonly batch: Batch | null;
  readonly bytes: Uint8Array;
}
