/** A leader's log, and commands and stocks for tests. */
import {
  encodeBatch,
  type Batch,
  type Command,
  type ReplicaToCatalog,
  type RequestTrace,
  type Stock,
} from '@trireme/domain';
import { decideBatch, EMPTY_HASH, nextHash, StockDraft, StockTable } from '@trireme/state-machine';

export const LIFE = '0123456789abcdef';
export const OTHER_LIFE = 'fedcba9876543210';

/** First index of a test log: a snapshot has no index below 1. */
const FIRST_INDEX = 1;

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

export function batchOf(commands: readonly Command[], more: Partial<Batch> = {}): Buffer {
  return encodeBatch({ age: 1, time: 1, visibleOrders: 0, commands, seed: null, ...more });
}

type Skips = readonly (readonly [index: number, positions: readonly number[]])[];

/** A log that starts with a stock table. Its methods return the frames that a leader sends. */
export class LeaderLog {
  readonly life: string;
  #table: StockTable;
  #index = FIRST_INDEX;
  #lastIndex = 0;
  #hash = EMPTY_HASH;
  #logged = FIRST_INDEX;
  #entries: { readonly index: number; readonly commands: readonly Command[] }[] = [];

  constructor(stocks: readonly Stock[], life = LIFE) {
    this.#table = new StockTable(stocks);
    this.life = life;
  }

  /** Index of the last entry. */
  get lastLogIndex(): number {
    return this.#logged;
  }

  get hash(): string {
    return this.#hash;
  }

  /** Appends a batch. */
  entry(index: number, commands: readonly Command[], traces?: readonly RequestTrace[]): ReplicaToCatalog {
    this.#logged = index;
    this.#entries.push({ index, commands });
    const frame: ReplicaToCatalog = { t: 'entry', index, batch: batchOf(commands) };
    return traces === undefined ? frame : { ...frame, traces };
  }

  /** Appends an entry without a batch. */
  empty(index: number): ReplicaToCatalog {
    this.#logged = index;
    return { t: 'entry', index, batch: null };
  }

  visible(index: number, skips: Skips = []): ReplicaToCatalog {
    const skipped = new Map(skips.map(([at, positions]) => [at, new Set(positions)]));
    for (const entry of this.#entries.filter((one) => one.index <= index)) {
      const skip = skipped.get(entry.index) ?? new Set();
      if (skip.size === entry.commands.length) continue;
      const draft = new StockDraft(this.#table);
      const outcomes = decideBatch(draft, entry.index, entry.commands, skip);
      this.#table.apply(draft.changes.values());
      this.#hash = nextHash(this.#hash, batchOf(entry.commands), outcomes);
      this.#lastIndex = entry.index;
    }
    this.#entries = this.#entries.filter((one) => one.index > index);
    this.#index = index;
    return { t: 'visible', index, skips, hash: this.#hash };
  }

  /** The stock table as of the last visible entry, distributed over `parts` frames. */
  snapshot(parts = 1): readonly ReplicaToCatalog[] {
    const stocks = [...this.#table.all()];
    const perPart = Math.ceil(stocks.length / parts);
    const position = { index: this.#index, life: this.life, lastIndex: this.#lastIndex, hash: this.#hash };
    return Array.from({ length: parts }, (_, part) => ({
      t: 'snapshot',
      ...position,
      part,
      parts,
      stocks: stocks
        .slice(part * perPart, (part + 1) * perPart)
        .map(({ name, price, quantity, version }) => [name, price, quantity, version] as const),
    }));
  }

  /** Discards the entries that are not visible, as a change of the leader may. */
  discardInvisible(): void {
    this.#entries = [];
    this.#logged = this.#index;
  }
}
