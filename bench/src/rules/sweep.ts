/** Summary of the runs of a latency sweep by condition. */
import type { Failures, Latency } from './outcomes.js';
import { estimate, type Estimate } from './statistics.js';
import { REQUEST_KINDS, type RequestKind } from './requests.js';

/** The varied parameters. */
export interface SweepCondition {
  /** Probability of an order after a look-up, 0 to 1. */
  readonly p: number;
  readonly cache: 'on' | 'off';
}

/** One run of one condition. */
export interface SweepRun extends SweepCondition {
  /** From 0. */
  readonly repetition: number;
  /** Look-ups and orders per second. */
  readonly perSecond: number;
  /** Share of look-ups that the cache answered; null without a cache. */
  readonly hitRate: number | null;
  readonly latency: Readonly<Record<RequestKind, Latency>>;
  /** Number of failed requests by reason. */
  readonly failures: Failures;
}

/** Latency of one request type in one condition, in milliseconds: estimates over the repetitions. */
export interface LatencyPoint extends SweepCondition {
  readonly kind: RequestKind;
  /** Number of requests in all repetitions. */
  readonly requests: number;
  readonly mean: Estimate;
  readonly p50: Estimate;
  readonly p90: Estimate;
  readonly p99: Estimate;
}

/** Throughput and hit rate of one condition. */
export interface ThroughputPoint extends SweepCondition {
  readonly perSecond: Estimate;
  readonly hitRate: Estimate | null;
}

/**
 * Latencies by request type and condition, sorted by p, without types that a condition lacks (no orders at p
 * 0).
 */
export function latencyPoints(runs: readonly SweepRun[]): readonly LatencyPoint[] {
  return REQUEST_KINDS.flatMap((kind) =>
    byCondition(runs).flatMap((group) => {
      const latencies = group.runs.map((run) => run.latency[kind]).filter(({ count }) => count > 0);
      if (latencies.length === 0) return [];
      const estimateOf = (figure: 'mean' | 'p50' | 'p90' | 'p99'): Estimate =>
        estimate(latencies.map((latency) => latency[figure]));
      return [
        {
          kind,
          p: group.p,
          cache: group.cache,
          requests: latencies.reduce((sum, { count }) => sum + count, 0),
          mean: estimateOf('mean'),
          p50: estimateOf('p50'),
          p90: estimateOf('p90'),
          p99: estimateOf('p99'),
        },
      ];
    }),
  );
}

export function throughputPoints(runs: readonly SweepRun[]): readonly ThroughputPoint[] {
  return byCondition(runs).map((group) => {
    const hitRates = group.runs.map(({ hitRate }) => hitRate).filter((rate) => rate !== null);
    return {
      p: group.p,
      cache: group.cache,
      perSecond: estimate(group.runs.map(({ perSecond }) => perSecond)),
      hitRate: hitRates.length === 0 ? null : estimate(hitRates),
    };
  });
}

/** Groups runs by condition, sorted by p, with the cache on before off. */
function byCondition(
  runs: readonly SweepRun[],
): readonly (SweepCondition & { readonly runs: readonly SweepRun[] })[] {
  const groups = new Map<string, { p: number; cache: 'on' | 'off'; runs: SweepRun[] }>();
  for (const run of runs) {
    const { p, cache } = run;
    const name = `${p} ${cache}`;
    const group = groups.get(name) ?? { p, cache, runs: [] };
    group.runs.push(run);
    groups.set(name, group);
  }
  return [...groups.values()].sort((a, b) => a.p - b.p || b.cache.localeCompare(a.cache));
}
