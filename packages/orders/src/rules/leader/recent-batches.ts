/**
 * The batches decided last. A catalog that lags a little, as after a change of leader, receives the batches
 * that it lacks; one that lags further receives the stock table.
 */
import type { Stock } from '@trireme/domain';
import type { StockTable } from '@trireme/state-machine';
import { Fifo } from './fifo.js';
import type { DecidedBatch } from '../book/state.js';

/**
 * A position in the log: a batch with commands, and the running hash up to it. Number and index 0 are before
 * the first.
 */
type LogPosition = Pick<DecidedBatch, 'seq' | 'index' | 'hash'>;

interface RecentBatchesLimits {
  readonly batchesMax: number;
  /** Size limit in bytes of the encoded batches. */
  readonly bytesMax: number;
}

const LIMITS: RecentBatchesLimits = { batchesMax: 1024, bytesMax: 8 * 1024 * 1024 };

export class RecentBatches {
  readonly #limits: RecentBatchesLimits;
  readonly #batches = new Fifo<DecidedBatch>();
  #bytes = 0;
  /** The last batch before the retained ones. */
  #base: LogPosition;

  /** @param last the batch that was decided last */
  constructor(last: LogPosition, limits = LIMITS) {
    this.#base = last;
    this.#limits = limits;
  }

  get last(): LogPosition {
    return this.#batches.at(this.#batches.size - 1) ?? this.#base;
  }

  /** Drops all batches and continues after this one: a snapshot replaced the book. */
  restart({ seq, index, hash }: LogPosition): void {
    this.#batches.drain();
    this.#bytes = 0;
    this.#base = { seq, index, hash };
  }

  /**
   * @param visible batches after this log index are retained beyond the limits, because readers see the state
   *   before them
   */
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
   * Locates a catalog that has applied everything up to the position: `here` if every batch after it is
   * retained, `before` if it lies before the retained batches, `elsewhere` if this log has no such position.
   */
  locate({ index, hash }: Pick<LogPosition, 'index' | 'hash'>): 'here' | 'before' | 'elsewhere' {
    if (index < this.#base.index) return 'before';
    const kept =
      index === this.#base.index ? this.#base : this.#batches.toArray.find((one) => one.index === index);
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
  lastUpTo(index: number): LogPosition {
    for (let at = this.#batches.size - 1; at >= 0; at -= 1) {
      const batch = this.#batches.at(at);
      if (batch !== undefined && batch.index <= index) return batch;
    }
    return this.#base;
  }
}

/**
 * The stocks as of a visible index, while the book has applied later batches: shows stocks as they were
 * before those batches.
 */
export class VisibleStocks {
  readonly #table: StockTable;
  /** Stocks that later batches changed, as they were before; null for one that was not listed. */
  readonly #before = new Map<string, Stock | null>();

  /** @param invisible all applied batches that are not visible, in log order */
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

  /**
   * At most `limit` stocks with names after `after`. `next` is the name after which the next page starts,
   * null at the end.
   */
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
