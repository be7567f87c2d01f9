/**
 * The order book: what the log's batches make of keys, pending batches, numbered orders and the running hash. A pure
 * state machine: every replica that applies the same entries writes the same records.
 *
 *     place batch applied -> kept, its keys known, pending -> settlement applied -> outcomes kept, fills numbered
 */
import { createHash } from 'node:crypto';
import {
  assertRule,
  decodeBatch,
  outcomeToWire,
  pack,
  type Batch,
  type Command,
  type Outcome,
  type Settlement,
} from '@trireme/domain';
import { Fifo } from './fifo.js';
import { checkOutcomes } from './outcomes.js';
import type {
  Applied,
  BookEntry,
  BookMeta,
  BookReader,
  BookWrite,
  KeptBatch,
  PendingBatch,
  Place,
} from './state.js';
import { UnwrittenGenerations } from './unwritten.js';

/** How long a key is known, in milliseconds of the log's age: the 24 hours of the contract, and an hour in case clocks run fast. */
export const KEY_LIFETIME_MS = 25 * 60 * 60 * 1000;

/** Expired batches that one new batch drops at most, so that no apply is long; two for one lets the backlog shrink. */
const DROPS_PER_BATCH = 2;

type Draft = { -readonly [Field in keyof BookMeta]: BookMeta[Field] };

export class Book {
  readonly #reader: BookReader;
  #meta: Draft;
  /** In log order; their `seq` has no gaps. Bounded by the leader's intake. */
  readonly #pending = new Fifo<PendingBatch>();
  #lastBatchIndex: number;
  /** What was applied and is not handed out to be written yet, without its meta record. */
  #writes: BookWrite[] = [];
  #isChanged = false;
  /**
   * What the reader does not show yet. How entries are cut into applies and writes differs from replica to replica and
   * must not be seen in the book, so that keys that go are as much part of it as keys that come.
   */
  readonly #unwritten = new UnwrittenGenerations();
  /** The first batch that is kept, once it was asked for: it stays the same for a day, and every batch looks at it. */
  #oldest: KeptBatch | null = null;

  /** @param pending every batch that the store keeps and that is not settled, in order */
  constructor(reader: BookReader, meta: BookMeta, pending: readonly KeptBatch[]) {
    this.#reader = reader;
    this.#meta = { ...meta };
    let prev = meta.settledIndex;
    for (const kept of pending) {
      this.#pending.push({ ...kept, prev, commands: decodeBatch(kept.bytes).commands });
      prev = kept.index;
    }
    this.#lastBatchIndex = prev;
  }

  get meta(): BookMeta {
    return this.#meta;
  }

  /** Batches that are committed and not settled, in log order. */
  get pending(): readonly PendingBatch[] {
    return this.#pending.all;
  }

  /** Writes that have gathered, without the meta record. */
  get gathered(): number {
    return this.#writes.length;
  }

  /** Applies entries in log order. What they change gathers until it is taken. */
  apply(entries: readonly BookEntry[]): Applied {
    const pending: PendingBatch[] = [];
    const settled: PendingBatch[] = [];
    for (const { index, batch, bytes } of entries) {
      assertRule(index === this.#meta.applied + 1, `entry ${index} applied behind ${this.#meta.applied}`);
      this.#meta.applied = index;
      this.#isChanged = true;
      if (batch === null) continue;
      this.#meta.age = Math.max(this.#meta.age, batch.age);
      this.#meta.time = Math.max(this.#meta.time, batch.time);
      for (const settlement of batch.settlements) {
        const done = this.#settle(settlement);
        if (done !== null) settled.push(done);
      }
      if (batch.commands.length > 0) {
        const kept = this.#keep(index, batch, bytes);
        if (kept !== null) pending.push(kept);
      }
    }
    return { pending, settled };
  }

  /**
   * Hands out all that has gathered, to be stored atomically; empty if nothing was applied since. Until `written` no more
   * may be taken; entries may be applied meanwhile.
   */
  takeWrites(): readonly BookWrite[] {
    assertRule(!this.#unwritten.isLeaving, 'one write at a time');
    if (!this.#isChanged) return [];
    this.#isChanged = false;
    const writes = this.#writes;
    writes.push({ table: 'meta', value: { ...this.#meta } });
    this.#writes = [];
    this.#unwritten.leave();
    return writes;
  }

  /** What was taken is in the store. */
  written(): void {
    this.#unwritten.arrived();
  }

  /** Keeps a batch and its keys; null if every key in it was used before, so that nothing is to be decided. */
  #keep(index: number, batch: Batch, bytes: Uint8Array): PendingBatch | null {
    const meta = this.#meta;
    const skip: number[] = [];
    const seq = meta.lastSeq + 1;
    batch.commands.forEach((command, position) => {
      if (this.#isKnown(command)) {
        skip.push(position);
        return;
      }
      const place = { seq, position };
      this.#writeKey(command.key, place);
    });
    const added = batch.commands.length - skip.length;
    if (added === 0) return null;
    this.#dropExpired();
    const prev = this.#lastBatchIndex;
    this.#lastBatchIndex = index;
    const kept: KeptBatch = { seq, index, age: meta.age, time: meta.time, skip, bytes };
    meta.lastSeq = seq;
    meta.keys += added;
    this.#writes.push({ table: 'batch', seq, value: kept });
    this.#unwritten.addBatch(kept);
    const pending = { ...kept, prev, commands: batch.commands };
    this.#pending.push(pending);
    return pending;
  }

  #isKnown({ key }: Command): boolean {
    const unwritten = this.#unwritten.place(key);
    return (unwritten === undefined ? this.#reader.place(key) : unwritten) !== null;
  }

  #writeKey(key: string, value: Place | null): void {
    this.#unwritten.addKey(key, value);
    this.#writes.push({ table: 'key', key, value });
  }

  /** Settles the oldest pending batch; what is settled already stays as it is. Returns the batch that it settled. */
  #settle(settlement: Settlement): PendingBatch | null {
    const meta = this.#meta;
    const { index, outcomes } = settlement;
    if (index <= meta.settledIndex) return null;
    const oldest = this.#pending.first;
    assertRule(
      oldest?.index === index && oldest.seq === meta.settledSeq + 1,
      `settlement of ${index}, but the oldest pending is ${String(oldest?.index)}`,
    );
    checkOutcomes(oldest, outcomes);
    const { seq, commands, time, bytes } = oldest;
    const firstNumber = meta.orders + 1;
    commands.forEach((command, position) => {
      const outcome = outcomes[position] ?? { kind: 'none' };
      this.#book(index, time, command, outcome);
    });
    meta.hash = createHash('sha256')
      .update(Buffer.from(meta.hash, 'hex'))
      .update(bytes)
      .update(pack(outcomes.map(outcomeToWire)))
      .digest('hex');
    meta.settledIndex = index;
    meta.settledSeq = seq;
    this.#writes.push({ table: 'outcomes', seq, value: { seq, firstNumber, outcomes } });
    this.#pending.shift();
    return oldest;
  }

  #book(index: number, time: number, command: Command, outcome: Outcome): void {
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
    const oldest = this.#unwritten.batch(seq) ?? this.#reader.batch(seq);
    assertRule(oldest !== null, `batch ${seq} is kept but cannot be read`);
    this.#oldest = oldest;
    return oldest;
  }

  /** Forgets the oldest settled batches whose keys have outlived their lifetime. */
  #dropExpired(): void {
    const meta = this.#meta;
    for (let dropped = 0; dropped < DROPS_PER_BATCH && meta.firstSeq <= meta.settledSeq; dropped += 1) {
      const seq = meta.firstSeq;
      const oldest = this.#firstBatch(seq);
      if (oldest.age + KEY_LIFETIME_MS > meta.age) return;
      const skip = new Set(oldest.skip);
      decodeBatch(oldest.bytes).commands.forEach((command, position) => {
        if (skip.has(position)) return;
        this.#writeKey(command.key, null);
        meta.keys -= 1;
      });
      this.#writes.push({ table: 'batch', seq, value: null }, { table: 'outcomes', seq, value: null });
      meta.firstSeq = seq + 1;
    }
  }
}
