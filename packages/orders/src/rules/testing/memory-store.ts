/** A book's records in memory: what the rules read is what was written before. */
import type { EffectWire } from '@trireme/domain';
import { KIND_CODES } from '@trireme/domain';
import type { Book } from '../book.js';
import type { Effects } from '../settler.js';
import {
  EMPTY_META,
  type Applied,
  type BookEntry,
  type BookMeta,
  type BookReader,
  type BookWrite,
  type BookedOrder,
  type KeptBatch,
  type KeptOutcomes,
  type Place,
  type StockChange,
} from '../state.js';

export class MemoryStore implements BookReader {
  meta: BookMeta = EMPTY_META;
  readonly keys = new Map<string, Place>();
  readonly batches = new Map<number, KeptBatch>();
  readonly kept = new Map<number, KeptOutcomes>();
  readonly orders = new Map<number, BookedOrder>();
  readonly changes = new Map<number, StockChange>();

  write(writes: readonly BookWrite[]): void {
    for (const write of writes) this.#writeOne(write);
  }

  /** Has the book apply the entries, and takes in what it makes of them. */
  apply(book: Book, entries: readonly BookEntry[]): Applied {
    const applied = book.apply(entries);
    this.write(book.takeWrites());
    book.written();
    return applied;
  }

  #writeOne(write: BookWrite): void {
    switch (write.table) {
      case 'meta':
        this.meta = write.value;
        return;
      case 'key':
        put(this.keys, write.key, write.value);
        return;
      case 'batch':
        put(this.batches, write.seq, write.value);
        return;
      case 'outcomes':
        put(this.kept, write.seq, write.value);
        return;
      case 'order':
        put(this.orders, write.value.number, write.value);
        return;
      case 'change':
        put(this.changes, write.value.change, write.value);
    }
  }

  place(key: string): Place | null {
    return this.keys.get(key) ?? null;
  }

  batch(seq: number): KeptBatch | null {
    return this.batches.get(seq) ?? null;
  }

  outcomes(seq: number): KeptOutcomes | null {
    return this.kept.get(seq) ?? null;
  }

  /** What a replica that restarts finds to be pending. */
  get pending(): readonly KeptBatch[] {
    return [...this.batches.values()]
      .filter(({ seq }) => seq > this.meta.settledSeq)
      .sort((a, b) => a.seq - b.seq);
  }

  /** Everything that it holds, for comparing two of them. */
  get contents(): unknown {
    const { meta, keys, batches, kept, orders, changes } = this;
    return [meta, ...[keys, batches, kept, orders, changes].map((table) => [...table].sort(byKey))];
  }

  /** Effects of settled batches after `after`, whole batches only, about `limit` at a time. */
  effects(after: number, limit: number): Effects {
    const changes = [...this.changes.values()].map(({ index, kind, name, amount }): EffectWire => [
      index,
      KIND_CODES[kind],
      name,
      amount,
    ]);
    const orders = [...this.orders.values()].map(({ index, type, name, quantity }): EffectWire => [
      index,
      KIND_CODES[type],
      name,
      quantity,
    ]);
    const all = [...changes, ...orders].filter(([index]) => index > after).sort((a, b) => a[0] - b[0]);
    const cut = all[limit]?.[0];
    if (cut === undefined || cut === all[0]?.[0]) return { index: this.meta.settledIndex, effects: all };
    const effects = all.filter(([index]) => index < cut);
    return { index: effects.at(-1)?.[0] ?? after, effects };
  }
}

function put<K, V>(table: Map<K, V>, key: K, value: V | null): void {
  if (value === null) table.delete(key);
  else table.set(key, value);
}

function byKey(a: readonly [string | number, unknown], b: readonly [string | number, unknown]): number {
  if (a[0] === b[0]) return 0;
  return a[0] < b[0] ? -1 : 1;
}
