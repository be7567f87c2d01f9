/** What the runs of a latency sweep say together, condition by condition. */
import type { Latency } from './histogram.js';
import { estimate, type Estimate } from './statistics.js';
import { REQUEST_KINDS, type RequestKind } from './trip.js';

/** What is varied. */
export interface Condition {
  /** Probability of an order after a look-up, 0 to 1. */
  readonly p: number;
  readonly cache: 'on' | 'off';
}

/** One run of one condition. */
export interface Run extends Condition {
  /** From 0. */
  readonly repetition: number;
  /** Look-ups and orders a second. */
  readonly perSecond: number;
  /** Share of look-ups that the cache answered; null without a cache. */
  readonly hitRate: number | null;
  readonly latency: Readonly<Record<RequestKind, Latency>>;
  /** Requests that failed, by what it was. */
  readonly failures: Readonly<Record<string, number>>;
}

/** Latency of one request type in one condition, in milliseconds: estimates over the repetitions. */
export interface LatencyPoint extends Condition {
  readonly kind: RequestKind;
  /** Requests in all repetitions. */
  readonly requests: number;
  readonly mean: Estimate;
  readonly p50: Estimate;
  readonly p90: Estimate;
  readonly p99: Estimate;
}

/** What else a condition shows. */
export interface ThroughputPoint extends Condition {
  readonly perSecond: Estimate;
  readonly hitRate: Estimate | null;
}

/** Points in the order in which conditions first come; a type that a condition does not have (no orders at p 0) has none. */
export function latencyPoints(runs: readonly Run[]): readonly LatencyPoint[] {
  return REQUEST_KINDS.flatMap((kind) =>
    byCondition(runs).flatMap((group) => {
      const latencies = group.runs.map((run) => run.latency[kind]).filter(({ count }) => count > 0);
      if (latencies.length === 0) return [];
      const over = (figure: 'mean' | 'p50' | 'p90' | 'p99'): Estimate =>
        estimate(latencies.map((latency) => latency[figure]));
      return [
        {
          ...{ kind, p: group.p, cache: group.cache },
          requests: latencies.reduce((sum, { count }) => sum + count, 0),
          ...{ mean: over('mean'), p50: over('p50'), p90: over('p90'), p99: over('p99') },
        },
      ];
    }),
  );
}

export function throughputPoints(runs: readonly Run[]): readonly ThroughputPoint[] {
  return byCondition(runs).map((group) => {
    const hitRates = group.runs.map(({ hitRate }) => hitRate).filter((rate) => rate !== null);
    return {
      ...{ p: group.p, cache: group.cache },
      perSecond: estimate(group.runs.map(({ perSecond }) => perSecond)),
      hitRate: hitRates.length === 0 ? null : estimate(hitRates),
    };
  });
}

/** All failures of the runs, by what it was. */
export function failuresOf(
  runs: readonly { readonly failures: Readonly<Record<string, number>> }[],
): string[] {
  const counts = new Map<string, number>();
  for (const { failures } of runs) {
    for (const [why, count] of Object.entries(failures)) counts.set(why, (counts.get(why) ?? 0) + count);
  }
  return [...counts].map(([why, count]) => `${count} × ${why}`);
}

/** Groups runs by condition, sorted by p and then cache on before off. */
function byCondition(runs: readonly Run[]): readonly (Condition & { readonly runs: readonly Run[] })[] {
  const groups = new Map<string, { p: number; cache: 'on' | 'off'; runs: Run[] }>();
  for (const run of runs) {
    const { p, cache } = run;
    const name = `${p} ${cache}`;
    const group = groups.get(name) ?? { p, cache, runs: [] };
    group.runs.push(run);
    groups.set(name, group);
  }
  return [...groups.values()].sort((a, b) => a.p - b.p || b.cache.localeCompare(a.cache));
}
