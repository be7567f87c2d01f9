/**
 * Latencies counted in buckets that widen by a fixed factor, so that recording one costs an addition and a percentile is
 * off by that factor at most.
 */

/** Upper bound of the first bucket, in milliseconds. */
const FIRST_MS = 0.1;
/** Each bucket reaches this much further than the one before: percentiles are at most a tenth too high. */
const FACTOR = 1.1;
const LOG_FACTOR = Math.log(FACTOR);
/** The last bucket takes everything from 0.1 * 1.1^143 ms, some 80 seconds, on: longer than any deadline of use. */
const BUCKETS = 144;

/** How many latencies fell into each bucket since the process began. */
export type BucketCounts = Readonly<Float64Array>;

export class Latencies {
  readonly #counts = new Float64Array(BUCKETS);

  /** @param ms from 0. */
  record(ms: number): void {
    const bucket =
      ms <= FIRST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / FIRST_MS) / LOG_FACTOR));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** A copy, to be compared with a later one. */
  counts(): BucketCounts {
    return this.#counts.slice();
  }
}

/**
 * The latency that a share of those recorded between two counts did not exceed, in milliseconds.
 * @param share from 0 to 1.
 * @returns the upper bound of its bucket, or null if nothing was recorded between the two.
 */
export function percentile(before: BucketCounts, after: BucketCounts, share: number): number | null {
  const added = after.map((count, bucket) => count - (before[bucket] ?? 0));
  const total = added.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = Math.max(1, Math.ceil(total * share));
  const bucket = added.findIndex((count) => {
    left -= count;
    return left <= 0;
  });
  return FIRST_MS * FACTOR ** bucket;
}
