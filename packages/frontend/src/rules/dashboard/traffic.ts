/** What the front-end did: counters that only rise, and the rates between two looks at them. */
import { TriremeError } from '@trireme/domain';
import { Latencies, percentile, type BucketCounts } from './latencies.js';

/** Counts since the process began. */
interface Counts {
  readonly filled: number;
  /** Orders that were answered 4xx. */
  readonly refused: number;
  /** Orders that were answered 5xx. */
  readonly failed: number;
  readonly hits: number;
  readonly misses: number;
}

/** What orders came to. Recording costs two additions. */
export class OrderCounters {
  readonly #latencies = new Latencies();
  #filled = 0;
  #refused = 0;
  #failed = 0;

  /** An order was filled after `ms`. */
  filled(ms: number): void {
    this.#filled += 1;
    this.#latencies.record(ms);
  }

  /** An order ended with an error. */
  ended(error: unknown): void {
    if (error instanceof TriremeError && error.httpStatus < 500) this.#refused += 1;
    else this.#failed += 1;
  }

  /** A moment's counts. @param cache the cache's counters. */
  look(cache: { readonly hits: number; readonly misses: number }, at: number): TrafficLook {
    const { hits, misses } = cache;
    const counts = { filled: this.#filled, refused: this.#refused, failed: this.#failed, hits, misses };
    return { at, counts, latencies: this.#latencies.counts() };
  }
}

/** Counters as they stood at a time, in milliseconds on a clock that never jumps. */
export interface TrafficLook {
  readonly at: number;
  readonly counts: Counts;
  readonly latencies: BucketCounts;
}

/** A second's worth of each, and latencies in milliseconds, null where nothing was measured. */
export interface TrafficRates {
  readonly filled: number;
  readonly refused: number;
  readonly failed: number;
  readonly lookups: number;
  /** Share of lookups that were answered from the cache, 0 to 1. */
  readonly hitRatio: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** Rates between two looks; `after` is the later one. */
export function ratesBetween(before: TrafficLook, after: TrafficLook): TrafficRates {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const added = (name: keyof Counts): number => after.counts[name] - before.counts[name];
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
