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
import type {
  Applied,
  BookEntry,
  BookMeta,
  BookReader,
  BookWrite,
  KeptBatch,
  KeptOutcomes,
  KnownCommand,
  PendingBatch,
  Place,
} from './state.js';

/** How long a key is known, in milliseconds of log time: the 24 hours of the contract, and an hour of margin for clocks. */
export const KEY_LIFETIME_MS = 25 * 60 * 60 * 1000;

/** Expired batches that one new batch drops at most, so that no apply is long; two for one lets the backlog shrink. */
const DROPS_PER_BATCH = 2;

type Draft = { -readonly [Field in keyof BookMeta]: BookMeta[Field] };

export class Book {
  readonly #reader: BookReader;
  #meta: Draft;
  /** By log index, in log order. Bounded by the leader's intake. */
  readonly #pending = new Map<number, PendingBatch>();
  #lastBatchIndex: number;
  /** Of the apply under way: what the reader does not show yet. */
  #writes: BookWrite[] = [];
  #newKeys = new Map<string, Place>();

  /** @param pending every batch that the store keeps and that is not settled, in order */
  constructor(reader: BookReader, meta: BookMeta, pending: readonly KeptBatch[]) {
    this.#reader = reader;
    this.#meta = { ...meta };
    let prev = meta.settledIndex;
    for (const kept of pending) {
      this.#pending.set(kept.index, { ...kept, prev, commands: decodeBatch(kept.bytes).commands });
      prev = kept.index;
    }
    this.#lastBatchIndex = prev;
  }

  get meta(): BookMeta {
    return this.#meta;
  }

  /** Batches that are committed and not settled, in log order. */
  get pending(): readonly PendingBatch[] {
    return [...this.#pending.values()];
  }

  /** Log index of the last batch with commands, settled or not; 0 if there is none. */
  get lastBatchIndex(): number {
    return this.#lastBatchIndex;
  }

  /** Applies entries in log order. The writes must be stored, atomically, before the next call. */
  apply(entries: readonly BookEntry[]): Applied {
    this.#writes = [];
    this.#newKeys = new Map();
    const pending: PendingBatch[] = [];
    const settled: PendingBatch[] = [];
    for (const { index, batch, bytes } of entries) {
      assertRule(index === this.#meta.applied + 1, `entry ${index} applied behind ${this.#meta.applied}`);
      this.#meta.applied = index;
      if (batch === null) continue;
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
    this.#writes.push({ table: 'meta', value: { ...this.#meta } });
    return { writes: this.#writes, pending, settled };
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
      this.#newKeys.set(command.key, place);
      this.#writes.push({ table: 'key', key: command.key, value: place });
    });
    const added = batch.commands.length - skip.length;
    if (added === 0) return null;
    this.#dropExpired();
    const prev = this.#lastBatchIndex;
    this.#lastBatchIndex = index;
    const kept: KeptBatch = { seq, index, time: meta.time, skip, bytes };
    meta.lastSeq = seq;
    meta.keys += added;
    this.#writes.push({ table: 'batch', seq, value: kept });
    const pending = { ...kept, prev, commands: batch.commands };
    this.#pending.set(index, pending);
    return pending;
  }

  #isKnown(command: Command): boolean {
    return this.#newKeys.has(command.key) || this.#reader.place(command.key) !== null;
  }

  /** Settles the oldest pending batch; what is settled already stays as it is. Returns the batch that it settled. */
  #settle(settlement: Settlement): PendingBatch | null {
    const meta = this.#meta;
    const { index, outcomes } = settlement;
    if (index <= meta.settledIndex) return null;
    const [oldest] = this.#pending.values();
    assertRule(
      oldest?.index === index,
      `settlement of ${index}, but the oldest pending is ${String(oldest?.index)}`,
    );
    const { seq, commands, skip, time, bytes } = oldest;
    assertRule(outcomes.length === commands.length, `settlement of ${index} has ${outcomes.length} outcomes`);
    const firstNumber = meta.orders + 1;
    commands.forEach((command, position) => {
      const outcome = outcomes[position] ?? { kind: 'none' };
      const isSkipped = skip.includes(position);
      assertRule(
        (outcome.kind === 'none') === isSkipped,
        `settlement of ${index} at ${position} is ${outcome.kind}`,
      );
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
    this.#pending.delete(index);
    return oldest;
  }

  #book(index: number, time: number, command: Command, outcome: Outcome): void {
    if (outcome.kind !== 'filled' && outcome.kind !== 'done') return;
    const { name } = command;
    if (command.kind === 'list' || command.kind === 'restock') {
      assertRule(outcome.kind === 'done', `${command.kind} at ${index} was ${outcome.kind}`);
      const change = ++this.#meta.changes;
      const amount = command.kind === 'list' ? command.price : command.quantity;
      this.#writes.push({ table: 'change', value: { change, index, kind: command.kind, name, amount } });
      return;
    }
    assertRule(outcome.kind === 'filled', `order at ${index} was ${outcome.kind}`);
    const { kind: type, quantity } = command;
    const number = ++this.#meta.orders;
    this.#writes.push({
      table: 'order',
      value: { number, name, type, quantity, price: outcome.price, time, index },
    });
  }

  /** Forgets the oldest settled batches whose keys have outlived their lifetime. */
  #dropExpired(): void {
    const meta = this.#meta;
    for (let dropped = 0; dropped < DROPS_PER_BATCH && meta.firstSeq <= meta.settledSeq; dropped += 1) {
      const seq = meta.firstSeq;
      const oldest = this.#reader.batch(seq);
      // Null when it was kept in this very apply: far from expired.
      if (oldest === null || oldest.time + KEY_LIFETIME_MS > meta.time) return;
      decodeBatch(oldest.bytes).commands.forEach((command, position) => {
        if (oldest.skip.includes(position)) return;
        this.#writes.push({ table: 'key', key: command.key, value: null });
        meta.keys -= 1;
      });
      this.#writes.push({ table: 'batch', seq, value: null }, { table: 'outcomes', seq, value: null });
      meta.firstSeq = seq + 1;
    }
  }
}

/** What became of the command at `position` of a settled batch, and its order number if it was filled. */
export function knownAt(batch: KeptBatch, kept: KeptOutcomes, position: number): KnownCommand {
  const command = decodeBatch(batch.bytes).commands[position];
  const outcome = kept.outcomes[position];
  assertRule(
    command !== undefined && outcome !== undefined,
    `batch ${batch.seq} has no position ${position}`,
  );
  const filledBefore = kept.outcomes.slice(0, position).filter(({ kind }) => kind === 'filled').length;
  return { command, outcome, number: kept.firstNumber + filledBefore };
}
