/** Factories of batches and log entries for tests. */
import {
  decodeBatch,
  encodeBatch,
  type Batch,
  type Command,
  type Outcome,
  type OrderCommand,
  type SeedPart,
  type SeedStock,
} from '@trireme/domain';
import type { BookEntry, DecidedBatch } from '../book/state.js';

export const FILLED: Outcome = { kind: 'filled', price: 500 };
export const DONE: Outcome = { kind: 'done' };
export const NONE: Outcome = { kind: 'none' };
export const REJECTED: Outcome = { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };

/** More than the quantity of any stock of `seeding`. */
export const TOO_MANY = 900_000;

/** Stocks of the cluster in most tests. */
export const STOCKS: readonly SeedStock[] = [{ name: 'A', price: 500, quantity: 100_000 }];

export const LIFE = 'a0'.repeat(8);

export function buy(key: string, quantity = 1): OrderCommand {
  return { kind: 'buy', key, name: 'A', quantity };
}

/** The log entry at `index`. */
export function entry(
  index: number,
  commands: readonly Command[],
  more: {
    readonly age?: number;
    readonly time?: number;
    readonly visibleOrders?: number;
    readonly seed?: SeedPart;
    readonly catalogs?: readonly string[];
  } = {},
): BookEntry {
  const { age = 1000, time = 1000, visibleOrders = 0, seed = null, catalogs } = more;
  const named = catalogs === undefined ? {} : { catalogs };
  const batch: Batch = { age, time, visibleOrders, commands, seed, ...named };
  return { index, batch, bytes: encodeBatch(batch) };
}

/** The log entry at `index` with these bytes; a no-op without bytes. */
export function toEntry(index: number, bytes: Uint8Array | null): BookEntry {
  return { index, batch: bytes === null ? null : decodeBatch(bytes), bytes: bytes ?? new Uint8Array() };
}

/** The log entry at `index` with a part of the seed; by default the whole seed. */
export function seedEntry(
  index: number,
  stocks = STOCKS,
  { life = LIFE, part = 0, parts = 1 }: Partial<SeedPart> = {},
  more: { readonly catalogs?: readonly string[] } = {},
): BookEntry {
  return entry(index, [], { age: 0, time: 0, seed: { life, part, parts, stocks }, ...more });
}

/** A decided batch, number `seq`, at log index `seq * 10`; by default all commands are filled. */
export function decidedBatch(
  seq: number,
  commands: readonly Command[],
  more: Partial<DecidedBatch> = {},
): DecidedBatch {
  const index = seq * 10;
  return {
    seq,
    index,
    age: 0,
    time: seq * 1000,
    skip: [],
    commands,
    firstNumber: 1,
    outcomes: commands.map(() => FILLED),
    bytes: encodeBatch({ age: 0, time: 0, visibleOrders: 0, commands, seed: null }),
    hash: String(seq).padStart(64, '0'),
    before: new Map(),
    ...more,
  };
}
