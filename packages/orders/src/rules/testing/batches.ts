/** Short ways to write what the rules work on. */
import {
  encodeBatch,
  type Batch,
  type Command,
  type Outcome,
  type PlaceCommand,
  type Settlement,
} from '@trireme/domain';
import type { BookEntry, PendingBatch } from '../state.js';

export const FILLED: Outcome = { kind: 'filled', price: 500 };
export const DONE: Outcome = { kind: 'done' };
export const NONE: Outcome = { kind: 'none' };
export const REJECTED: Outcome = { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };

export function buy(key: string, quantity = 1): PlaceCommand {
  return { kind: 'buy', key, name: 'A', quantity };
}

/** The log entry at `index`. */
export function entry(
  index: number,
  commands: readonly Command[],
  more: { readonly settlements?: readonly Settlement[]; readonly age?: number; readonly time?: number } = {},
): BookEntry {
  const { settlements = [], age = 1000, time = 1000 } = more;
  const batch: Batch = { age, time, commands, settlements };
  return { index, batch, bytes: encodeBatch(batch) };
}

/** The log entry at `index` with one settlement. */
export function settling(
  index: number,
  settled: number,
  outcomes: readonly Outcome[],
  times: { readonly age?: number; readonly time?: number } = {},
): BookEntry {
  return entry(index, [], { settlements: [{ index: settled, outcomes }], ...times });
}

/** A pending batch, number `seq`, at log index `seq * 10`. */
export function pendingBatch(
  seq: number,
  commands: readonly Command[],
  skip: readonly number[] = [],
): PendingBatch {
  const index = seq * 10;
  const bytes = encodeBatch({ age: 0, time: 0, commands, settlements: [] });
  return { seq, index, prev: index - 10, age: 0, time: 0, skip, bytes, commands };
}
