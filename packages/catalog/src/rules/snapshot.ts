/** A stock table on its way from a leader, in parts that come in order. */
import { FormatError, STOCKS_MAX, type Stock } from '@trireme/domain';

/** The stocks as of log index `index`, in the log of this life. */
export interface Snapshot {
  readonly index: number;
  readonly life: string;
  /** Index of the last batch that made something, and hash of the log up to there: 64 hex digits. */
  readonly lastIndex: number;
  readonly hash: string;
  readonly stocks: readonly Stock[];
}

/** One of the `parts` that make a snapshot together, counted from 0. */
export interface SnapshotPart extends Snapshot {
  readonly part: number;
  readonly parts: number;
}

/** Gathers the parts that come from one leader: at most `STOCKS_MAX` stocks. */
export class SnapshotParts {
  #last: SnapshotPart | null = null;
  readonly #stocks = new Map<string, Stock>();

  /** Whether a snapshot has begun and lacks parts. */
  get isIncomplete(): boolean {
    return this.#last !== null;
  }

  /**
   * Takes the next part. Returns the snapshot with its last part, null before.
   * @throws FormatError if it is not the part that comes next, or the stocks are too many or one is named twice.
   */
  add(part: SnapshotPart): Snapshot | null {
    if (!isNext(part, this.#last)) {
      throw new FormatError(`part ${part.part} of ${part.parts} of a snapshot, which is not the next one`);
    }
    for (const stock of part.stocks) {
      if (this.#stocks.has(stock.name)) throw new FormatError(`a snapshot has ${stock.name} twice`);
      this.#stocks.set(stock.name, stock);
    }
    if (this.#stocks.size > STOCKS_MAX)
      throw new FormatError(`a snapshot has more than ${STOCKS_MAX} stocks`);
    this.#last = part;
    if (part.part + 1 < part.parts) return null;
    const { index, life, lastIndex, hash } = part;
    const snapshot = { index, life, lastIndex, hash, stocks: [...this.#stocks.values()] };
    this.#last = null;
    this.#stocks.clear();
    return snapshot;
  }
}

function isNext(part: SnapshotPart, last: SnapshotPart | null): boolean {
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
