/** A histogram of latencies. It stores microseconds; its interface uses milliseconds. */
import { build, type Histogram } from 'hdr-histogram-js';

/** Largest latency of the histogram, in microseconds; larger values are clamped. */
const LATENCY_US_MAX = 60_000_000;

/** Percentiles of a distribution plot. */
export const PERCENTILES: readonly number[] = [
  ...[0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 92, 94, 95, 96, 97, 98],
  ...[98.5, 99, 99.2, 99.4, 99.6, 99.8, 99.9, 99.95, 99.99],
];

/** Summary of a distribution, in milliseconds. All values are 0 if nothing was recorded. */
export interface Latency {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export class LatencyHistogram {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
  });

  record(ms: number): void {
    this.#histogram.recordValue(Math.min(Math.max(Math.round(ms * 1000), 0), LATENCY_US_MAX));
  }

  add(other: LatencyHistogram): void {
    this.#histogram.add(other.#histogram);
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** The latency at a percentile from 0 to 100, in milliseconds. */
  at(percentile: number): number {
    return this.#histogram.getValueAtPercentile(percentile) / 1000;
  }

  summary(): Latency {
    if (this.count === 0) return { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
    const { mean, maxValue } = this.#histogram;
    return {
      count: this.count,
      mean: mean / 1000,
      p50: this.at(50),
      p90: this.at(90),
      p99: this.at(99),
      max: maxValue / 1000,
    };
  }
}
