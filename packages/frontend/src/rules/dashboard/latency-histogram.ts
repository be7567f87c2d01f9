/**
 * A latency histogram whose bucket bounds grow by a fixed factor: recording is one addition, and a percentile
 * is too high by at most that factor.
 */

/** Upper bound of the first bucket, in milliseconds. */
const FIRST_MS = 0.1;
/** Ratio of the upper bounds of two adjacent buckets: percentiles are at most 10% too high. */
const FACTOR = 1.1;
const LOG_FACTOR = Math.log(FACTOR);
/**
 * The last bucket counts everything above 0.1 * 1.1^142 ms, about 75 seconds: longer than any useful
 * deadline.
 */
const BUCKETS = 144;

/** Number of latencies in each bucket since the process started. */
export type BucketCounts = Readonly<Float64Array>;

export class DashboardHistogram {
  readonly #counts = new Float64Array(BUCKETS);

  /** @param ms latency in milliseconds, at least 0. */
  record(ms: number): void {
    const bucket =
      ms <= FIRST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / FIRST_MS) / LOG_FACTOR));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** A copy of the counts, to compare with a later one. */
  counts(): BucketCounts {
    return this.#counts.slice();
  }
}

/**
 * The latency that a share of the latencies recorded between two counts did not exceed.
 * @param share from 0 to 1.
 * @returns the upper bound of its bucket in milliseconds, or null if nothing was recorded in between.
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
