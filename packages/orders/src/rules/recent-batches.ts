/**
 * The last batches that were decided, as a catalog takes them in: one that is a little behind, as after a change of leader, goes on
 * from where it is. One that is further behind takes the stock table.
 */
import type { Stock } from '@trireme/domain';
import type { StockTable } from '@trireme/state-machine';
import { Fifo } from './fifo.js';
import type { DecidedBatch } from './state.js';

/** A place in the log: a batch with commands, and the running hash up to there. Number and index 0 are before the first. */
type LogPlace = Pick<DecidedBatch, 'seq' | 'index' | 'hash'>;

interface RecentBatchesLimits {
  readonly batchesMax: number;
  /** Of the batches as the log has them. */
  readonly bytesMax: number;
}

const LIMITS: RecentBatchesLimits = { batchesMax: 1024, bytesMax: 8 * 1024 * 1024 };

export class RecentBatches {
  readonly #limits: RecentBatchesLimits;
  readonly #batches = new Fifo<DecidedBatch>();
  #bytes = 0;
  /** The last batch before them. */
  #base: LogPlace;

  /** @param last the last batch that was decided before */
  constructor(last: LogPlace, limits = LIMITS) {
    this.#base = last;
    this.#limits = limits;
  }

  get last(): LogPlace {
    return this.#batches.at(this.#batches.size - 1) ?? this.#base;
  }

  /** Goes on after this batch, whatever was added before: a snapshot of the book took its place. */
  restart({ seq, index, hash }: LogPlace): void {
    this.#batches.takeAll();
    this.#bytes = 0;
    this.#base = { seq, index, hash };
  }

  /** @param visible batches after this log index are kept beyond the limits: readers are shown what was before them */
  add(batch: DecidedBatch, visible: number): void {
    if (batch.seq !== this.last.seq + 1) {
      this.restart(batch);
      return;
    }
    this.#batches.push(batch);
    this.#bytes += batch.bytes.byteLength;
    const { batchesMax, bytesMax } = this.#limits;
    for (;;) {
      const { first, size } = this.#batches;
      if (first === undefined || first.index > visible) return;
      if (size <= batchesMax && this.#bytes <= bytesMax) return;
      this.#batches.shift();
      this.#bytes -= first.bytes.byteLength;
      this.#base = { seq: first.seq, index: first.index, hash: first.hash };
    }
  }

  /**
   * Where in this log a catalog is that has applied everything up to `place`: `here` where every batch after it is kept,
   * `before` where it lies before them, `elsewhere` where this log has no such place.
   */
  whereIs({ index, hash }: Pick<LogPlace, 'index' | 'hash'>): 'here' | 'before' | 'elsewhere' {
    if (index < this.#base.index) return 'before';
    const kept =
      index === this.#base.index ? this.#base : this.#batches.all.find((one) => one.index === index);
    return kept?.hash === hash ? 'here' : 'elsewhere';
  }

  /** The batches after log index `index`, in log order. */
  after(index: number): readonly DecidedBatch[] {
    const batches: DecidedBatch[] = [];
    for (let at = this.#batches.size - 1; at >= 0; at -= 1) {
      const batch = this.#batches.at(at);
      if (batch === undefined || batch.index <= index) break;
      batches.push(batch);
    }
    return batches.reverse();
  }

  /** The last batch up to log index `index`. */
  upTo(index: number): LogPlace {
    for (let at = this.#batches.size - 1; at >= 0; at -= 1) {
      const batch = this.#batches.at(at);
      if (batch !== undefined && batch.index <= index) return batch;
    }
    return this.#base;
  }
}

/** The stocks as of an index that is visible, where the book has applied more: what batches after it changed is shown as it was. */
export class VisibleStocks {
  readonly #table: StockTable;
  /** Stocks that batches after the index changed, as they were before; null for one that was not listed. */
  readonly #before = new Map<string, Stock | null>();

  /** @param invisible every batch that the table holds and that is not visible, in log order */
  constructor(table: StockTable, invisible: readonly DecidedBatch[]) {
    this.#table = table;
    for (const { before } of invisible) {
      for (const [name, stock] of before) if (!this.#before.has(name)) this.#before.set(name, stock);
    }
  }

  get(name: string): Stock | null {
    const before = this.#before.get(name);
    return before === undefined ? (this.#table.get(name) ?? null) : before;
  }

  *all(): Generator<Stock> {
    for (const stock of this.#table.all()) {
      const visible = this.#visible(stock);
      if (visible !== null) yield visible;
    }
  }

  /** At most `limit` stocks whose names come after `after`. `next` is the name to go on after, null at the end. */
  page(after: string, limit: number): { readonly stocks: readonly Stock[]; readonly next: string | null } {
    const visible: Stock[] = [];
    for (let from = after; ;) {
      const { stocks, next } = this.#table.page(from, limit - visible.length);
      visible.push(...stocks.flatMap((stock) => this.#visible(stock) ?? []));
      if (next === null) return { stocks: visible, next };
      // Not the table's own `next`, which may be a stock that is not visible.
      if (visible.length === limit) return { stocks: visible, next: visible.at(-1)?.name ?? null };
      from = next;
    }
  }

  #visible(stock: Stock): Stock | null {
    const before = this.#before.get(stock.name);
    return before === undefined ? stock : before;
  }
}
