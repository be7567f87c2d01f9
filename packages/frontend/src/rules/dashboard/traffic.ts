/** Traffic of the front-end: monotonic counters, and the rates between two samples of them. */
import { TriremeError } from '@trireme/domain';
import { DashboardHistogram, percentile, type BucketCounts } from './latency-histogram.js';

/** Counts since the process started. */
interface TrafficCounts {
  readonly filled: number;
  /** Orders with a 4xx response. */
  readonly refused: number;
  /** Orders with a 5xx response. */
  readonly failed: number;
  readonly hits: number;
  readonly misses: number;
}

/** Counts the outcomes of orders. */
export class OrderCounters {
  readonly #latencies = new DashboardHistogram();
  #filled = 0;
  #refused = 0;
  #failed = 0;

  /** Records an order that was filled after `ms` milliseconds. */
  recordFilled(ms: number): void {
    this.#filled += 1;
    this.#latencies.record(ms);
  }

  /** Records an order that ended with an error. */
  recordError(error: unknown): void {
    if (error instanceof TriremeError && error.httpStatus < 500) this.#refused += 1;
    else this.#failed += 1;
  }

  /**
   * Takes a sample of all counters.
   * @param cache the counters of the cache.
   * @param at milliseconds on a monotonic clock.
   */
  sample(cache: { readonly hits: number; readonly misses: number }, at: number): TrafficSample {
    const { hits, misses } = cache;
    const counts = { filled: this.#filled, refused: this.#refused, failed: this.#failed, hits, misses };
    return { at, counts, latencies: this.#latencies.counts() };
  }
}

/** A sample of the counters at one time, in milliseconds on a monotonic clock. */
export interface TrafficSample {
  readonly at: number;
  readonly counts: TrafficCounts;
  readonly latencies: BucketCounts;
}

/** Rates per second, and latencies in milliseconds, which are null if nothing was measured. */
export interface TrafficRates {
  readonly filled: number;
  readonly refused: number;
  readonly failed: number;
  readonly lookups: number;
  /** Share of look-ups that were answered from the cache, 0 to 1; null without look-ups. */
  readonly hitRatio: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** The rates between two samples; `after` is the later one. */
export function ratesBetween(before: TrafficSample, after: TrafficSample): TrafficRates {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const added = (name: keyof TrafficCounts): number => after.counts[name] - before.counts[name];
  const lookups = added('hits') + added('misses');
  return {
    filled: added('filled') / seconds,
    refused: added('refused') / seconds,
    failed: added('failed') / seconds,
    lookups: lookups / seconds,
    hitRatio: lookups === 0 ? null : added('hits') / lookups,
    p50Ms: percentile(before.latencies, after.latencies, 0.5),
    p99Ms: percentile(before.latencies, after.latencies, 0.99),
  };
}
