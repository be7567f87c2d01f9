/**
 * What is committed, and what every entry makes of the stocks: the log of the catalog's model. It decides by itself, with rules
 * written a second time, so that what a catalog shows and hashes is held against something that shares no code with it.
 */
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { pack, type Command, type LeaderToCatalog, type OutcomeWire, type Stock } from '@trireme/domain';
import { batchOf, entryFrame, snapshotFrames } from './frames.js';

interface Entry {
  readonly index: number;
  readonly commands: readonly Command[];
  readonly skip: readonly number[];
  /** Of the log up to and with this entry. */
  readonly hash: string;
  /** All stocks as of this entry. */
  readonly stocks: readonly Stock[];
}

/** Parts of a snapshot. */
const PARTS = 2;

const NOT_FOUND = -1;
const INSUFFICIENT = -2;

export class TradeLog {
  /** The first one stands for the seed. */
  readonly #entries: Entry[];
  /** Entries whose outcomes a client was told. */
  #told = 0;
  /** Entries that leaders do not have any more: a catalog that lacks one is sent a snapshot. */
  #trimmed = 0;
  readonly #life: string;

  constructor(stocks: readonly Stock[], life: string) {
    this.#life = life;
    this.#entries = [{ index: 0, commands: [], skip: [], hash: '0'.repeat(64), stocks }];
  }

  get lastIndex(): number {
    return this.#last.index;
  }

  get told(): number {
    return this.#told;
  }

  /** Entries of which no client was told. */
  get waiting(): number {
    return this.#entries.length - 1 - this.#told;
  }

  /** Commits the next entry. Returns how a leader sends it. */
  commit(commands: readonly Command[], skip: readonly number[]): LeaderToCatalog {
    const before = this.#last;
    const index = before.index + STEP;
    const stocks = new Map(before.stocks.map((stock) => [stock.name, stock]));
    const outcomes = commands.map((command, position) => {
      return skip.includes(position) ? null : apply(stocks, index, command);
    });
    const hash = createHash('sha256')
      .update(Buffer.concat([Buffer.from(before.hash, 'hex'), batchOf(commands), pack(outcomes)]))
      .digest('hex');
    const entry = { index, commands, skip, hash, stocks: [...stocks.values()] };
    this.#entries.push(entry);
    return frameOf(entry);
  }

  /** Leaders forget all but the last entry. */
  trim(): void {
    this.#trimmed = Math.max(this.#trimmed, this.#entries.length - 1);
  }

  /** What a leader sends to a catalog that has applied everything up to `lastIndex`. */
  after(lastIndex: number): { readonly isSnapshot: boolean; readonly frames: readonly LeaderToCatalog[] } {
    const position = this.#entries.findIndex(({ index }) => index === lastIndex);
    if (lastIndex === 0 || position < this.#trimmed)
      return { isSnapshot: true, frames: this.#snapshot(this.#last) };
    return { isSnapshot: false, frames: this.#entries.slice(position + 1).map(frameOf) };
  }

  /** Every entry from the beginning. */
  all(): readonly LeaderToCatalog[] {
    return this.#entries.slice(1).map(frameOf);
  }

  /** The stocks as they were some entries before the last one. */
  snapshotBefore(entries: number): readonly LeaderToCatalog[] {
    return this.#snapshot(this.#entries.at(-1 - entries) ?? this.#last);
  }

  /**
   * A leader heard that everything up to `index` is revoked, and tells clients. Returns the stocks that changed and their
   * versions.
   */
  tell(index: number): readonly Stock[] {
    const upTo = this.#entries.findIndex((entry) => entry.index === index);
    assert.ok(upTo >= 0, `${index} is a log index`);
    this.#told = Math.max(this.#told, upTo);
    return this.#entries[upTo]?.stocks ?? [];
  }

  /** A reader got a stock like this: it must be what the log makes of it. */
  see(seen: Stock): void {
    const entry = this.#entries.find(({ index }) => index === seen.version);
    const stock = entry?.stocks.find(({ name }) => name === seen.name);
    assert.equal(seen, stock, `${seen.name} is what the log makes of it`);
  }

  get #last(): Entry {
    const last = this.#entries.at(-1);
    assert.ok(last);
    return last;
  }

  #snapshot({ index, hash, stocks }: Entry): readonly LeaderToCatalog[] {
    return snapshotFrames(index, stocks, { life: this.#life, hash, parts: PARTS });
  }
}

/** Log indexes have holes: entries without commands. */
const STEP = 2;

function frameOf({ index, commands, skip, hash }: Entry): LeaderToCatalog {
  return entryFrame(index, index - STEP, commands, { skip, hash });
}

function apply(stocks: Map<string, Stock>, version: number, command: Command): OutcomeWire {
  const { name } = command;
  const old = stocks.get(name);
  if (command.kind === 'list') {
    stocks.set(name, { name, price: command.price, quantity: old === undefined ? 0 : old.quantity, version });
    return 0;
  }
  if (old === undefined) return NOT_FOUND;
  const sign = command.kind === 'buy' ? -1 : 1;
  const quantity = old.quantity + sign * command.quantity;
  if (quantity < 0) return INSUFFICIENT;
  stocks.set(name, { ...old, quantity, version });
  return command.kind === 'restock' ? 0 : old.price;
}
