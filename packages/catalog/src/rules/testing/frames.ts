/** Frames and stocks as tests write them. */
import {
  encodeBatch,
  type Command,
  type LeaderToCatalog,
  type RequestTrace,
  type Stock,
} from '@trireme/domain';
import { decide, EMPTY_HASH, nextHash, StockDraft, StockTable } from '@trireme/state-machine';

export const LIFE = '0123456789abcdef';
export const OTHER_LIFE = 'fedcba9876543210';

export function stock(name: string, quantity: number, price = 5500): Stock {
  return { name, price, quantity, version: 0 };
}

export function buy(name: string, quantity = 1): Command {
  return { kind: 'buy', key: 'k', name, quantity };
}

export function sell(name: string, quantity = 1): Command {
  return { kind: 'sell', key: 'k', name, quantity };
}

export function list(name: string, price: number): Command {
  return { kind: 'list', key: 'k', name, price };
}

export function restock(name: string, quantity: number): Command {
  return { kind: 'restock', key: 'k', name, quantity };
}

export function batchOf(commands: readonly Command[]): Buffer {
  return encodeBatch({ age: 1, time: 1, visibleOrders: 0, commands, seed: null });
}

interface EntryDetails {
  readonly skip?: readonly number[];
  readonly traces?: readonly RequestTrace[];
  readonly hash?: string;
}

/** An `entry` frame; what is left out is empty. */
export function entryFrame(
  index: number,
  prev: number,
  commands: readonly Command[],
  { skip = [], traces, hash = EMPTY_HASH }: EntryDetails = {},
): LeaderToCatalog {
  const frame: LeaderToCatalog = { t: 'entry', index, prev, skip, hash, batch: batchOf(commands) };
  return traces === undefined ? frame : { ...frame, traces };
}

interface SnapshotDetails {
  readonly life?: string;
  readonly hash?: string;
  readonly parts?: number;
}

/** The frames of a snapshot, its stocks spread over `parts`. */
export function snapshotFrames(
  index: number,
  stocks: readonly Stock[],
  { life = LIFE, hash = EMPTY_HASH, parts = 1 }: SnapshotDetails = {},
): readonly LeaderToCatalog[] {
  const perPart = Math.ceil(stocks.length / parts);
  return Array.from({ length: parts }, (_, part) => ({
    ...{ t: 'snapshot', index, life, hash, part, parts },
    stocks: stocks
      .slice(part * perPart, (part + 1) * perPart)
      .map(({ name, price, quantity, version }) => [name, price, quantity, version] as const),
  }));
}

/** A leader's log from a stock table on: gives the entries their hashes, and snapshots as of the last one. */
export class LeaderLog {
  readonly #table: StockTable;
  #lastIndex: number;
  #hash = EMPTY_HASH;

  constructor(stocks: readonly Stock[], index = 0) {
    this.#table = new StockTable(stocks);
    this.#lastIndex = index;
  }

  /** Appends an entry to the log. */
  entry(index: number, commands: readonly Command[], details: EntryDetails = {}): LeaderToCatalog {
    const draft = new StockDraft(this.#table);
    const outcomes = decide(draft, index, commands, new Set(details.skip));
    this.#table.publish(draft.changed.values());
    this.#hash = nextHash(this.#hash, batchOf(commands), outcomes);
    const prev = this.#lastIndex;
    this.#lastIndex = index;
    return entryFrame(index, prev, commands, { ...details, hash: this.#hash });
  }

  snapshot(details: Omit<SnapshotDetails, 'hash'> = {}): readonly LeaderToCatalog[] {
    return snapshotFrames(this.#lastIndex, [...this.#table.all()], { ...details, hash: this.#hash });
  }
}
