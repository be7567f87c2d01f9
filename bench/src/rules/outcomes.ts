/** Outcomes of the requests of one run: a histogram of latencies, and the failures by reason. */
import { build, type Histogram } from 'hdr-histogram-js';
import type { HttpAnswer } from './requests.js';

/** Largest latency of the histogram, in microseconds; larger values are clamped. */
const LATENCY_US_MAX = 60_000_000;

/** Percentiles of a distribution plot. */
export const PERCENTILES: readonly number[] = [
  0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 92, 94, 95, 96, 97, 98, 98.5, 99,
  99.2, 99.4, 99.6, 99.8, 99.9, 99.95, 99.99,
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

/** Number of failed requests by reason. */
export type Failures = Readonly<Record<string, number>>;

/** An HDR histogram of microseconds whose interface uses milliseconds. */
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
      max: maxValue / 1000,
      p50: this.at(50),
      p90: this.at(90),
      p99: this.at(99),
    };
  }
}

/** Counts answers, and records the latency of those with status 200. */
export class RequestCounter {
  readonly latency = new LatencyHistogram();
  readonly #failures = new Map<string, number>();

  /** Counts an answer. @returns whether its status is 200 */
  count(answer: HttpAnswer, tookMs: number): boolean {
    if (answer.status === 200) {
      this.latency.record(tookMs);
      return true;
    }
    this.countFailure(answer.status === 0 ? answer.body : refusalOf(answer));
    return false;
  }

  countFailure(why: string): void {
    this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1);
  }

  get failures(): Failures {
    return Object.fromEntries(this.#failures);
  }
}

/** HTTP status, with Trireme's error status word or etcd's error message if the body has one. */
function refusalOf({ status, body }: HttpAnswer): string {
  const reason = (/"status":"([A-Z_]+)"/.exec(body) ?? /"message":"([\w :,.()-]{1,100})"/.exec(body))?.[1];
  return reason === undefined ? `status ${status}` : `status ${status} ${reason}`;
}

export function sumFailures(runs: readonly { readonly failures: Failures }[]): Failures {
  const counts = new Map<string, number>();
  for (const { failures } of runs) {
    for (const [why, count] of Object.entries(failures)) counts.set(why, (counts.get(why) ?? 0) + count);
  }
  return Object.fromEntries(counts);
}

/** Number of all failures. */
export function countFailed(failures: Failures): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}

/** Failures of all runs as text, with the number for each reason; `none` without failures. */
export function describeFailures(runs: readonly { readonly failures: Failures }[]): string {
  const failures = Object.entries(sumFailures(runs)).map(([why, count]) => `${count} × ${why}`);
  return failures.length === 0 ? 'none' : failures.join(', ');
}
