/**
 * The replicated state: the stocks, orders and keys that result from the entries of the log. A pure,
 * deterministic state machine: every replica that applies the same entries makes the same decisions and
 * writes the same records.
 */
import {
  assertInvariant,
  decodeBatch,
  type Batch,
  type Command,
  type Outcome,
  type SeedPart,
  type Stock,
} from '@trireme/domain';
import { StockDraft, StockTable, decideBatch, nextHash, seedHash } from '@trireme/state-machine';
import {
  isSeeded,
  type BookEntry,
  type BookMeta,
  type BookReader,
  type BookWrite,
  type DecidedBatch,
  type RetainedBatch,
  type CommandPosition,
} from './state.js';
import { WriteBuffer } from './write-buffer.js';

/**
 * Lifetime of a key in milliseconds of the log's age: the 24 hours of the contract, and an hour for clocks
 * that run fast.
 */
export const KEY_LIFETIME_MS = 25 * 60 * 60 * 1000;

/**
 * Maximum number of expired batches that a new batch drops, so that no apply takes long; two per batch shrink
 * a backlog.
 */
const DROPS_PER_BATCH = 2;

type Draft = { -readonly [Field in keyof BookMeta]: BookMeta[Field] };

/** As a reader it returns everything that was applied, written or not. */
export class Book implements BookReader {
  readonly #reader: BookReader;
  #meta: Draft;
  #stocks: StockTable;
  /** Applied records not yet taken by `takeWrites`, except stocks and the meta record. */
  #writes: BookWrite[] = [];
  /** Changed stocks with their current values; null for a removed one. */
  #changedStocks = new Map<string, Stock | null>();
  #isChanged = false;
  /**
   * Keys and batches that the reader does not return yet, including deleted keys. How entries are split into
   * applies and writes differs between replicas, and must not affect the book.
   */
  readonly #buffer = new WriteBuffer();
  /** The first retained batch, once it was read: it rarely changes, and every batch checks its age. */
  #oldest: RetainedBatch | null = null;

  /** @param stocks all stocks in the store */
  constructor(reader: BookReader, meta: BookMeta, stocks: Iterable<Stock>) {
    this.#reader = reader;
    this.#meta = { ...meta };
    this.#stocks = new StockTable(stocks);
  }

  get meta(): BookMeta {
    return this.#meta;
  }

  /** The stocks with all applied entries. Read only. */
  get stocks(): StockTable {
    return this.#stocks;
  }

  /** Number of pending writes, without the meta record. */
  get pendingWriteCount(): number {
    return this.#writes.length + this.#changedStocks.size;
  }

  positionOf(key: string): CommandPosition | null {
    const buffered = this.#buffer.place(key);
    return buffered === undefined ? this.#reader.positionOf(key) : buffered;
  }

  batch(seq: number): RetainedBatch | null {
    return this.#buffer.batch(seq) ?? this.#reader.batch(seq);
  }

  /**
   * Applies entries in log order. Their writes stay pending until taken. Returns the batches that were
   * decided.
   */
  apply(entries: readonly BookEntry[]): readonly DecidedBatch[] {
    const decided: DecidedBatch[] = [];
    const meta = this.#meta;
    for (const { index, batch, bytes } of entries) {
      assertInvariant(index === meta.applied + 1, `entry ${index} applied after ${meta.applied}`);
      meta.applied = index;
      this.#isChanged = true;
      if (batch === null) continue;
      meta.age = Math.max(meta.age, batch.age);
      meta.time = Math.max(meta.time, batch.time);
      assertInvariant(
        batch.visibleOrders <= meta.orders,
        `entry ${index} calls ${batch.visibleOrders} orders visible, but only ${meta.orders} are filled`,
      );
      meta.visibleOrders = Math.max(meta.visibleOrders, batch.visibleOrders);
      if (batch.seed !== null) this.#applySeedPart(batch.seed, bytes);
      if (batch.life !== undefined) this.#startLife(batch.life, bytes);
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
   * Returns all pending writes, to be stored atomically; empty if nothing was applied since the last call.
   * Entries may be applied until `written` is called, but no more writes taken.
   */
  takeWrites(): readonly BookWrite[] {
    assertInvariant(!this.#buffer.isWriting, 'a write is already in flight');
    if (!this.#isChanged) return [];
    this.#isChanged = false;
    const writes = this.#writes;
    for (const [name, value] of this.#changedStocks) writes.push({ table: 'stock', name, value });
    writes.push({ table: 'meta', value: { ...this.#meta } });
    this.#writes = [];
    this.#changedStocks = new Map();
    this.#buffer.beginWrite();
    return writes;
  }

  /** The writes that were taken are in the store. */
  onWritten(): void {
    this.#buffer.endWrite();
  }

  /**
   * Applies a part of the seed. The first complete seed counts; part 0 restarts, because a leader does not
   * continue another's seed.
   */
  #applySeedPart(seed: SeedPart, bytes: Uint8Array): void {
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

  /**
   * Starts a new life of the cluster. The hash changes with it, so that catalogs of the old life take the
   * stock table again.
   */
  #startLife(life: string, bytes: Uint8Array): void {
    const meta = this.#meta;
    if (!isSeeded(meta)) return;
    meta.life = life;
    meta.hash = nextHash(meta.hash, bytes, []);
  }

  #publish(changed: readonly Stock[]): void {
    this.#stocks.apply(changed);
    for (const stock of changed) this.#changedStocks.set(stock.name, stock);
    this.#meta.stocks = this.#stocks.size;
  }

  /** Decides and retains a batch; null if every key in it was used before, so that it changes nothing. */
  #decide(index: number, batch: Batch, bytes: Uint8Array): DecidedBatch | null {
    const meta = this.#meta;
    assertInvariant(isSeeded(meta), `entry ${index} has commands before the seed is complete`);
    const seq = meta.lastSeq + 1;
    const skip = this.#storeKeys(seq, batch.commands);
    const added = batch.commands.length - skip.length;
    if (added === 0) return null;
    const draft = new StockDraft(this.#stocks);
    const outcomes = decideBatch(draft, index, batch.commands, new Set(skip));
    const before = new Map<string, Stock | null>();
    for (const name of draft.changes.keys()) before.set(name, this.#stocks.get(name) ?? null);
    this.#publish([...draft.changes.values()]);
    this.#dropExpired();
    const firstNumber = meta.orders + 1;
    const { age, time } = meta;
    batch.commands.forEach((command, position) => {
      this.#record(index, time, command, outcomes[position] ?? { kind: 'none' });
    });
    const kept: RetainedBatch = { seq, index, age, time, skip, firstNumber, outcomes, bytes };
    meta.lastSeq = seq;
    meta.lastIndex = index;
    meta.keys += added;
    meta.hash = nextHash(meta.hash, bytes, outcomes);
    this.#writes.push({ table: 'batch', seq, value: kept });
    this.#buffer.addBatch(kept);
    return { ...kept, commands: batch.commands, hash: meta.hash, before };
  }

  /** Stores the keys of a batch. Returns the positions of the keys that are already known. */
  #storeKeys(seq: number, commands: readonly Command[]): readonly number[] {
    const skip: number[] = [];
    commands.forEach((command, position) => {
      if (this.positionOf(command.key) !== null) skip.push(position);
      else this.#writeKey(command.key, { seq, position });
    });
    return skip;
  }

  #writeKey(key: string, value: CommandPosition | null): void {
    this.#buffer.addKey(key, value);
    this.#writes.push({ table: 'key', key, value });
  }

  /** Numbers a filled order, or a listing or restock that was carried out. */
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

  /** The batch `seq`, the first one retained. */
  #firstBatch(seq: number): RetainedBatch {
    if (this.#oldest?.seq === seq) return this.#oldest;
    // Even an unwritten batch may have expired: a replica that was down for a day applies many entries at once.
    const oldest = this.batch(seq);
    assertInvariant(oldest !== null, `batch ${seq} is retained but cannot be read`);
    this.#oldest = oldest;
    return oldest;
  }

  /** Drops the oldest batches whose keys have expired. */
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
