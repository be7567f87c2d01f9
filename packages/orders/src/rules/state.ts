/** What a replica keeps of the order book, in the shapes that its rules work on. */
import type { Batch, Command, Order, Outcome } from '@trireme/domain';

/** The one record that is in every write, atomically with what it speaks of. */
export interface BookMeta {
  /** Last log index applied. */
  readonly applied: number;
  /** Times of the latest batch, as `Batch` has them; neither ever falls. */
  readonly age: number;
  readonly time: number;
  /** Filled orders, which is also the last order number given. */
  readonly orders: number;
  /** Log index of the last batch that is settled, 0 if none is. */
  readonly settledIndex: number;
  /** Batches with commands are numbered densely from 1 (`seq`): the first one still kept, and the last. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** The last `seq` that is settled. */
  readonly settledSeq: number;
  /** Idempotency keys kept. */
  readonly keys: number;
  /** Stock changes (listings and restocks) that were done; numbered densely from 1. */
  readonly changes: number;
  /** Hash over every settled batch and its outcomes, in order: equal books have equal hashes. 64 hex digits. */
  readonly hash: string;
}

export const EMPTY_META: BookMeta = {
  applied: 0,
  age: 0,
  time: 0,
  orders: 0,
  settledIndex: 0,
  firstSeq: 1,
  lastSeq: 0,
  settledSeq: 0,
  keys: 0,
  changes: 0,
  hash: '0'.repeat(64),
};

/** Where a command stands: in which kept batch, and at which position of it. */
export interface Place {
  readonly seq: number;
  readonly position: number;
}

/** A batch with commands, as kept for its keys' lifetime. */
export interface KeptBatch {
  readonly seq: number;
  /** Log index. */
  readonly index: number;
  /** Times of the batch. */
  readonly age: number;
  readonly time: number;
  /** Positions whose key had been used before; they make nothing. */
  readonly skip: readonly number[];
  /** The log entry's bytes, an encoded `Batch`. */
  readonly bytes: Uint8Array;
}

/** A kept batch that is not settled yet. */
export interface PendingBatch extends KeptBatch {
  /** Log index of the batch with commands before this one, 0 for the first. */
  readonly prev: number;
  readonly commands: readonly Command[];
}

/** What was decided of a kept batch. */
export interface KeptOutcomes {
  readonly seq: number;
  /** Number of the first order that the batch filled, or would have. */
  readonly firstNumber: number;
  readonly outcomes: readonly Outcome[];
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

/** A command that the book knows already, and what became of it; null while it is pending. */
export interface KnownCommand {
  readonly command: Command;
  readonly outcome: Outcome;
  /** Its order number where it was filled. */
  readonly number: number;
}

/** One write to the store. A set of them is applied atomically. */
export type BookWrite =
  | { readonly table: 'meta'; readonly value: BookMeta }
  | { readonly table: 'key'; readonly key: string; readonly value: Place | null }
  | { readonly table: 'batch'; readonly seq: number; readonly value: KeptBatch | null }
  | { readonly table: 'outcomes'; readonly seq: number; readonly value: KeptOutcomes | null }
  | { readonly table: 'order'; readonly value: BookedOrder }
  | { readonly table: 'change'; readonly value: StockChange };

/** What the rules read of the store: everything that was written. */
export interface BookReader {
  place(key: string): Place | null;
  batch(seq: number): KeptBatch | null;
  outcomes(seq: number): KeptOutcomes | null;
}

/** A log entry as the book sees it; `batch` is null for a no-op. */
export interface BookEntry {
  readonly index: number;
  readonly batch: Batch | null;
  readonly bytes: Uint8Array;
}

/** What an apply did. */
export interface Applied {
  /** Batches that are to be decided. */
  readonly pending: readonly PendingBatch[];
  /** Batches that became settled; to be told once they are written. */
  readonly settled: readonly PendingBatch[];
}
