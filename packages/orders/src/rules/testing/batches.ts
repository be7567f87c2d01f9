/** Short ways to write what the rules work on. */
import {
  decodeBatch,
  encodeBatch,
  type Batch,
  type Command,
  type Outcome,
  type PlaceCommand,
  type SeedPart,
  type SeedStock,
} from '@trireme/domain';
import type { BookEntry, DecidedBatch } from '../state.js';

export const FILLED: Outcome = { kind: 'filled', price: 500 };
export const DONE: Outcome = { kind: 'done' };
export const NONE: Outcome = { kind: 'none' };
export const REJECTED: Outcome = { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };

/** More than there is of any stock that `seeding` brings. */
export const TOO_MANY = 900_000;

/** What the cluster of most tests begins with. */
export const STOCKS: readonly SeedStock[] = [{ name: 'A', price: 500, quantity: 100_000 }];

export const LIFE = 'a0'.repeat(8);

export function buy(key: string, quantity = 1): PlaceCommand {
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

/** The log entry at `index` as the log has it; a no-op without bytes. */
export function toEntry(index: number, bytes: Uint8Array | null): BookEntry {
  return { index, batch: bytes === null ? null : decodeBatch(bytes), bytes: bytes ?? new Uint8Array() };
}

/** The log entry at `index` with a part of the seed: all of it unless told otherwise. */
export function seeding(
  index: number,
  stocks = STOCKS,
  { life = LIFE, part = 0, parts = 1 }: Partial<SeedPart> = {},
  more: { readonly catalogs?: readonly string[] } = {},
): BookEntry {
  return entry(index, [], { age: 0, time: 0, seed: { life, part, parts, stocks }, ...more });
}

/** A batch that was just decided, number `seq`, at log index `seq * 10`; each command was filled unless told otherwise. */
export function decidedBatch(
  seq: number,
  commands: readonly Command[],
  more: Partial<DecidedBatch> = {},
): DecidedBatch {
  const index = seq * 10;
  return {
    ...{ seq, index, age: 0, time: seq * 1000, skip: [], commands },
    firstNumber: 1,
    outcomes: commands.map(() => FILLED),
    bytes: encodeBatch({ age: 0, time: 0, visibleOrders: 0, commands, seed: null }),
    hash: String(seq).padStart(64, '0'),
    before: new Map(),
    ...more,
  };
}
