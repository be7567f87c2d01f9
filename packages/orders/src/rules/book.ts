/**
 * The replicated state: what the log's entries make of stocks, orders and keys. A pure state machine: every replica that applies
 * the same entries decides the same, and writes the same records.
 */
import {
  assertRule,
  decodeBatch,
  type Batch,
  type Command,
  type Outcome,
  type SeedPart,
  type Stock,
} from '@trireme/domain';
import { StockDraft, StockTable, decide, nextHash, seedHash } from '@trireme/state-machine';
import {
  isSeeded,
  type BookEntry,
  type BookMeta,
  type BookReader,
  type BookWrite,
  type DecidedBatch,
  type KeptBatch,
  type Place,
} from './state.js';
import { WriteBuffer } from './write-buffer.js';

/** How long a key is known, in milliseconds of the log's age: the 24 hours of the contract, and an hour in case clocks run fast. */
export const KEY_LIFETIME_MS = 25 * 60 * 60 * 1000;

/** Expired batches that one new batch drops at most, so that no apply is long; two for one lets the backlog shrink. */
const DROPS_PER_BATCH = 2;

type Draft = { -readonly [Field in keyof BookMeta]: BookMeta[Field] };

/** As a reader it shows all that was applied, written or not. */
export class Book implements BookReader {
  readonly #reader: BookReader;
  #meta: Draft;
  #stocks: StockTable;
  /** What was applied and is not handed out to be written yet, without stocks and the meta record. */
  #writes: BookWrite[] = [];
  /** Stocks that changed, as they are; null for one that is gone. */
  #changedStocks = new Map<string, Stock | null>();
  #isChanged = false;
  /**
   * What the reader does not show yet. How entries are cut into applies and writes differs from replica to replica and
   * must not be seen in the book, so that keys that go are as much part of it as keys that come.
   */
  readonly #buffer = new WriteBuffer();
  /** The first batch that is kept, once it was asked for: it stays the same for a day, and every batch looks at it. */
  #oldest: KeptBatch | null = null;

  /** @param stocks every stock that the store has */
  constructor(reader: BookReader, meta: BookMeta, stocks: Iterable<Stock>) {
    this.#reader = reader;
    this.#meta = { ...meta };
    this.#stocks = new StockTable(stocks);
  }

  get meta(): BookMeta {
    return this.#meta;
  }

  /** The stocks with everything that was applied. To be read only. */
  get stocks(): StockTable {
    return this.#stocks;
  }

  /** Writes that have gathered, without the meta record. */
  get gathered(): number {
    return this.#writes.length + this.#changedStocks.size;
  }

  place(key: string): Place | null {
    const unwritten = this.#buffer.place(key);
    return unwritten === undefined ? this.#reader.place(key) : unwritten;
  }

  batch(seq: number): KeptBatch | null {
    return this.#buffer.batch(seq) ?? this.#reader.batch(seq);
  }

  /** Applies entries in log order. What they change gathers until it is taken. Returns the batches that were decided. */
  apply(entries: readonly BookEntry[]): readonly DecidedBatch[] {
    const decided: DecidedBatch[] = [];
    const meta = this.#meta;
    for (const { index, batch, bytes } of entries) {
      assertRule(index === meta.applied + 1, `entry ${index} applied behind ${meta.applied}`);
      meta.applied = index;
      this.#isChanged = true;
      if (batch === null) continue;
      meta.age = Math.max(meta.age, batch.age);
      meta.time = Math.max(meta.time, batch.time);
      assertRule(
        batch.visibleOrders <= meta.orders,
        `entry ${index} calls ${batch.visibleOrders} orders visible, ${meta.orders} are filled`,
      );
      meta.visibleOrders = Math.max(meta.visibleOrders, batch.visibleOrders);
      if (batch.seed !== null) this.#seed(batch.seed, bytes);
      if (batch.life !== undefined) this.#begin(batch.life, bytes);
      if (batch.catalogs !== undefined) {
        meta.catalogs = batch.catalogs;
        meta.catalogsIndex = index;
      }
      if (batch.commands.length > 0) {
        const kept = this.#decide(index, batch, bytes);
        if (kept !== null) decided.push(kept);
      }
    }
    return decided;
  }

  /**
   * Hands out all that has gathered, to be stored atomically; empty if nothing was applied since. Until `written` no more
   * may be taken; entries may be applied meanwhile.
   */
  takeWrites(): readonly BookWrite[] {
    assertRule(!this.#buffer.isLeaving, 'one write at a time');
    if (!this.#isChanged) return [];
    this.#isChanged = false;
    const writes = this.#writes;
    for (const [name, value] of this.#changedStocks) writes.push({ table: 'stock', name, value });
    writes.push({ table: 'meta', value: { ...this.#meta } });
    this.#writes = [];
    this.#changedStocks = new Map();
    this.#buffer.leave();
    return writes;
  }

  /** What was taken is in the store. */
  written(): void {
    this.#buffer.arrived();
  }

  /** Takes a part of the seed in. The first complete seed counts; part 0 begins anew, as its leader does not go on with another's. */
  #seed(seed: SeedPart, bytes: Uint8Array): void {
    const meta = this.#meta;
    if (isSeeded(meta)) return;
    if (seed.part === 0) {
      for (const { name } of this.#stocks.all()) this.#changedStocks.set(name, null);
      this.#stocks = new StockTable();
      meta.life = seed.life;
      meta.seedApplied = 0;
      meta.seedParts = seed.parts;
    } else if (seed.life !== meta.life || seed.part !== meta.seedApplied) return;
    this.#publish(seed.stocks.map((stock) => ({ ...stock, version: 0 })));
    meta.seedApplied += 1;
    meta.hash = nextHash(meta.hash, bytes, []);
    if (isSeeded(meta)) meta.seedHash = seedHash([...this.#stocks.all()]);
  }

  /** The cluster goes on in a new life. The hash says so: a catalog that follows the other one takes the stock table anew. */
  #begin(life: string, bytes: Uint8Array): void {
    const meta = this.#meta;
    if (!isSeeded(meta)) return;
    meta.life = life;
    meta.hash = nextHash(meta.hash, bytes, []);
  }

  #publish(changed: readonly Stock[]): void {
    this.#stocks.publish(changed);
    for (const stock of changed) this.#changedStocks.set(stock.name, stock);
    this.#meta.stocks = this.#stocks.size;
  }

  /** Decides a batch and keeps it; null if every key in it was used before, so that it makes nothing. */
  #decide(index: number, batch: Batch, bytes: Uint8Array): DecidedBatch | null {
    const meta = this.#meta;
    assertRule(isSeeded(meta), `commands at ${index}, before the seed is complete`);
    const seq = meta.lastSeq + 1;
    const skip = this.#takeKeys(seq, batch.commands);
    const added = batch.commands.length - skip.length;
    if (added === 0) return null;
    const draft = new StockDraft(this.#stocks);
    const outcomes = decide(draft, index, batch.commands, new Set(skip));
    const before = new Map<string, Stock | null>();
    for (const name of draft.changed.keys()) before.set(name, this.#stocks.get(name) ?? null);
    this.#publish([...draft.changed.values()]);
    this.#dropExpired();
    const firstNumber = meta.orders + 1;
    const { age, time } = meta;
    batch.commands.forEach((command, position) => {
      this.#record(index, time, command, outcomes[position] ?? { kind: 'none' });
    });
    const kept: KeptBatch = { seq, index, age, time, skip, firstNumber, outcomes, bytes };
    meta.lastSeq = seq;
    meta.lastIndex = index;
    meta.keys += added;
    meta.hash = nextHash(meta.hash, bytes, outcomes);
    this.#writes.push({ table: 'batch', seq, value: kept });
    this.#buffer.addBatch(kept);
    return { ...kept, commands: batch.commands, hash: meta.hash, before };
  }

  /** Remembers the keys of a batch. Returns the positions of those that are known already. */
  #takeKeys(seq: number, commands: readonly Command[]): readonly number[] {
    const skip: number[] = [];
    commands.forEach((command, position) => {
      if (this.place(command.key) !== null) skip.push(position);
      else this.#writeKey(command.key, { seq, position });
    });
    return skip;
  }

  #writeKey(key: string, value: Place | null): void {
    this.#buffer.addKey(key, value);
    this.#writes.push({ table: 'key', key, value });
  }

  /** Numbers an order that was filled, or a change of stock that was done. */
  #record(index: number, time: number, command: Command, outcome: Outcome): void {
    const { name } = command;
    if (outcome.kind === 'done' && (command.kind === 'list' || command.kind === 'restock')) {
      const change = ++this.#meta.changes;
      const amount = command.kind === 'list' ? command.price : command.quantity;
      this.#writes.push({ table: 'change', value: { change, index, kind: command.kind, name, amount } });
    }
    if (outcome.kind === 'filled' && (command.kind === 'buy' || command.kind === 'sell')) {
      const { kind: type, quantity } = command;
      const number = ++this.#meta.orders;
      this.#writes.push({
        table: 'order',
        value: { number, name, type, quantity, price: outcome.price, time, index },
      });
    }
  }

  /** The batch `seq`, which is the first that is kept. */
  #firstBatch(seq: number): KeptBatch {
    if (this.#oldest?.seq === seq) return this.#oldest;
    // Even one that is not written yet may have expired: a replica that was away for a day applies much at once.
    const oldest = this.batch(seq);
    assertRule(oldest !== null, `batch ${seq} is kept but cannot be read`);
    this.#oldest = oldest;
    return oldest;
  }

  /** Forgets the oldest batches whose keys have outlived their lifetime. */
  #dropExpired(): void {
    const meta = this.#meta;
    for (let dropped = 0; dropped < DROPS_PER_BATCH && meta.firstSeq <= meta.lastSeq; dropped += 1) {
      const seq = meta.firstSeq;
      const oldest = this.#firstBatch(seq);
      if (oldest.age + KEY_LIFETIME_MS > meta.age) return;
      const skip = new Set(oldest.skip);
      decodeBatch(oldest.bytes).commands.forEach((command, position) => {
        if (skip.has(position)) return;
        this.#writeKey(command.key, null);
        meta.keys -= 1;
      });
      this.#writes.push({ table: 'batch', seq, value: null });
      meta.firstSeq = seq + 1;
    }
  }
}
