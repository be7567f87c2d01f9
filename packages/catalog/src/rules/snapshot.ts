/** Snapshots of the stock table, which a leader sends in ordered parts. */
import { FormatError, STOCKS_MAX, type Stock } from '@trireme/domain';

/** The stocks as of log index `index`. */
export interface StockSnapshot {
  readonly index: number;
  /** Life of the cluster. */
  readonly life: string;
  /** Index of the last applied batch. `hash` is the log's hash up to it: 64 hex digits. */
  readonly lastIndex: number;
  readonly hash: string;
  readonly stocks: readonly Stock[];
}

/** Part number `part`, from 0, of the `parts` of a snapshot. */
export interface StockSnapshotPart extends StockSnapshot {
  readonly part: number;
  readonly parts: number;
}

/** Assembles a snapshot from the parts that one leader sends: at most `STOCKS_MAX` stocks. */
export class SnapshotAssembler {
  #last: StockSnapshotPart | null = null;
  readonly #stocks = new Map<string, Stock>();

  /** Whether some parts of a snapshot have arrived, but not all. */
  get isIncomplete(): boolean {
    return this.#last !== null;
  }

  /**
   * Adds the next part.
   * @returns the snapshot if this was its last part, otherwise null
   * @throws FormatError if it is not the next part, or the snapshot has too many stocks or a stock twice.
   */
  add(part: StockSnapshotPart): StockSnapshot | null {
    if (!isNext(part, this.#last)) {
      throw new FormatError(`snapshot part ${part.part} of ${part.parts} is not the next one`);
    }
    for (const stock of part.stocks) {
      if (this.#stocks.has(stock.name)) throw new FormatError(`snapshot contains stock ${stock.name} twice`);
      this.#stocks.set(stock.name, stock);
    }
    if (this.#stocks.size > STOCKS_MAX) throw new FormatError(`snapshot has more than ${STOCKS_MAX} stocks`);
    this.#last = part;
    if (part.part + 1 < part.parts) return null;
    const { index, life, lastIndex, hash } = part;
    const snapshot = { index, life, lastIndex, hash, stocks: [...this.#stocks.values()] };
    this.#last = null;
    this.#stocks.clear();
    return snapshot;
  }
}

function isNext(part: StockSnapshotPart, last: StockSnapshotPart | null): boolean {
  if (last === null) return part.part === 0;
  return (
    part.part === last.part + 1 &&
    part.parts === last.parts &&
    part.index === last.index &&
    part.life === last.life &&
    part.lastIndex === last.lastIndex &&
    part.hash === last.hash
  );
}
