/** When a log is compacted, and up to where. Each member compacts its own by itself. Pure. */
import { RaftError } from './core/errors.js';
import type { Entry, LogIndex, NodeId } from './core/types.js';

/** When a log is compacted, and how much of it stays. */
export interface CompactionOptions {
  /** Entries applied since the last compaction that make the next one due. */
  readonly entriesMax: number;
  /** Record bytes of such entries that do. */
  readonly bytesMax: number;
  /** Applied entries that stay, so that a member that was away for a while needs no snapshot. */
  readonly entriesKept: number;
  /** Applied entries that stay at most for followers that are alive and lack them, and for snapshots under way. */
  readonly laggingEntriesMax: number;
  /** Record bytes that stay at most for these. */
  readonly laggingBytesMax: number;
}

/**
 * etcd's figures, 10,000 and 5,000 entries: seconds of a busy group's log, so that a member that restarts is fed from
 * it. The log then has 15,000 entries at most. With large entries bytes decide: what is kept is bounded as well, and
 * reading the whole log when it is opened takes a second or so.
 */
export const DEFAULT_COMPACTION: CompactionOptions = {
  entriesMax: 10_000,
  bytesMax: 64 * 1024 * 1024,
  entriesKept: 5_000,
  laggingEntriesMax: 100_000,
  laggingBytesMax: 256 * 1024 * 1024,
};

/** Names whose values may be 0. */
const MAY_BE_ZERO: readonly string[] = ['entriesKept', 'laggingEntriesMax', 'laggingBytesMax'];

/** A follower that is alive, or is sent a snapshot, needs the entries after `index`. */
export interface Need {
  readonly to: NodeId;
  readonly index: LogIndex;
}

export class CompactionPolicy {
  readonly #options: CompactionOptions;
  #entries: number;
  #bytes: number;
  /** What the average size of an entry is taken of. With each compaction, what was applied before counts half as much. */
  readonly #sample: { entries: number; bytes: number };

  /**
   * @param entries applied entries that the log holds already
   * @param averageBytes record bytes that one of them takes, on average
   * @throws RaftError `BAD_CONFIG` naming the option.
   */
  constructor(options: CompactionOptions, entries: number, averageBytes: number) {
    for (const [name, value] of Object.entries(options) as [string, number][]) {
      if (!Number.isSafeInteger(value) || value < (MAY_BE_ZERO.includes(name) ? 0 : 1)) {
        throw new RaftError('BAD_CONFIG', `compaction ${name} ${value} is not a whole number in its bounds`);
      }
    }
    this.#options = options;
    this.#entries = Math.max(0, entries - options.entriesKept);
    this.#bytes = this.#entries * averageBytes;
    this.#sample = { entries, bytes: entries * averageBytes };
  }

  /** These entries are applied. */
  applied(entries: readonly Entry[]): void {
    let bytes = 0;
    for (const { record } of entries) bytes += record.byteLength;
    this.#entries += entries.length;
    this.#bytes += bytes;
    this.#sample.entries += entries.length;
    this.#sample.bytes += bytes;
  }

  get isDue(): boolean {
    return this.#entries >= this.#options.entriesMax || this.#bytes >= this.#options.bytesMax;
  }

  /**
   * Begins to count anew, and says up to which index to compact; at or below the log's base there is nothing to do.
   * @param durable the last index that the state machine cannot lose any more
   * @param needed entries after this index are needed by a follower; null if none lacks any. What is kept for it is bounded
   * @param entriesKept applied entries that stay this time
   */
  next(
    durable: LogIndex,
    needed: LogIndex | null,
    entriesKept: number = this.#options.entriesKept,
  ): LogIndex {
    const { bytesMax, laggingEntriesMax, laggingBytesMax } = this.#options;
    const kept = this.#within(entriesKept, bytesMax);
    const keptLagging = Math.max(kept, this.#within(laggingEntriesMax, laggingBytesMax));
    this.#entries = 0;
    this.#bytes = 0;
    this.#sample.entries /= 2;
    this.#sample.bytes /= 2;
    return Math.min(durable - kept, Math.max(needed ?? durable, durable - keptLagging));
  }

  /** As many entries, but no more than about `bytesMax` come to. */
  #within(entries: number, bytesMax: number): number {
    const sample = this.#sample;
    return sample.bytes === 0
      ? entries
      : Math.min(entries, Math.floor((bytesMax * sample.entries) / sample.bytes));
  }
}
