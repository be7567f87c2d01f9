/** Decides when a log is compacted, and up to which index. Each member compacts its own log. Pure. */
import { RaftError } from './core/errors.js';
import type { Entry, LogIndex, NodeId } from './core/types.js';

/** When a log is compacted, and how much of it is kept. */
export interface CompactionOptions {
  /** The next compaction is due after this many applied entries. */
  readonly entriesMax: number;
  /** The next compaction is due after this many record bytes of applied entries. */
  readonly bytesMax: number;
  /** Applied entries that are kept, so that a member that was down for a while needs no snapshot. */
  readonly entriesKept: number;
  /**
   * Upper bound on the applied entries kept for live followers that lack them and for running snapshot
   * transfers.
   */
  readonly laggingEntriesMax: number;
  /** The same bound in record bytes. */
  readonly laggingBytesMax: number;
}

/**
 * etcd's figures, 10,000 and 5,000 entries: a few seconds of a busy group's log, so that a restarted member
 * catches up from the log. The log then has at most 15,000 entries. The byte limits bound a log of large
 * entries, and with it the time to read the whole log when it is opened.
 */
export const DEFAULT_COMPACTION: CompactionOptions = {
  entriesMax: 10_000,
  bytesMax: 64 * 1024 * 1024,
  entriesKept: 5_000,
  laggingEntriesMax: 100_000,
  laggingBytesMax: 256 * 1024 * 1024,
};

/** Options that may be 0. */
const MAY_BE_ZERO: readonly string[] = ['entriesKept', 'laggingEntriesMax', 'laggingBytesMax'];

/** A live follower, or one that receives a snapshot, needs the entries after `index`. */
export interface RetentionNeed {
  readonly to: NodeId;
  readonly index: LogIndex;
}

export class CompactionPolicy {
  readonly #options: CompactionOptions;
  #entries: number;
  #bytes: number;
  /** The sample for the average entry size. Each compaction halves it, so that recent entries weigh more. */
  readonly #sample: { entries: number; bytes: number };

  /**
   * @param entries applied entries that the log already holds
   * @param averageBytes average record size of these entries, in bytes
   * @throws RaftError `BAD_CONFIG` naming the option.
   */
  constructor(options: CompactionOptions, entries: number, averageBytes: number) {
    for (const [name, value] of Object.entries(options) as [string, number][]) {
      const least = MAY_BE_ZERO.includes(name) ? 0 : 1;
      if (!Number.isSafeInteger(value) || value < least) {
        const rule = `must be a whole number of at least ${least}`;
        throw new RaftError('BAD_CONFIG', `compaction option ${name} is ${value}, but ${rule}`);
      }
    }
    this.#options = options;
    this.#entries = Math.max(0, entries - options.entriesKept);
    this.#bytes = this.#entries * averageBytes;
    this.#sample = { entries, bytes: entries * averageBytes };
  }

  /** Counts entries that were applied. */
  onApplied(entries: readonly Entry[]): void {
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
   * Resets the counters, and returns the index to compact up to. At or below the log's base there is nothing
   * to do.
   * @param durable the last index that is durable in the state machine
   * @param needed a follower needs the entries after this index; null if no follower lacks entries. The
   *   entries kept for followers are bounded
   * @param entriesKept applied entries to keep this time
   */
  nextIndex(
    durable: LogIndex,
    needed: LogIndex | null,
    entriesKept: number = this.#options.entriesKept,
  ): LogIndex {
    const { bytesMax, laggingEntriesMax, laggingBytesMax } = this.#options;
    const kept = this.#limitByBytes(entriesKept, bytesMax);
    const keptLagging = Math.max(kept, this.#limitByBytes(laggingEntriesMax, laggingBytesMax));
    this.#entries = 0;
    this.#bytes = 0;
    this.#sample.entries /= 2;
    this.#sample.bytes /= 2;
    return Math.min(durable - kept, Math.max(needed ?? durable, durable - keptLagging));
  }

  /** Limits a number of entries to about `bytesMax` bytes, by the average size of the sample. */
  #limitByBytes(entries: number, bytesMax: number): number {
    const sample = this.#sample;
    return sample.bytes === 0
      ? entries
      : Math.min(entries, Math.floor((bytesMax * sample.entries) / sample.bytes));
  }
}
