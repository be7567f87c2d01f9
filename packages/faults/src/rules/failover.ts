/** How long orders stand still when their leader goes, and what clients see of it. */
import type { Operation } from './history.js';
import { stalledBetween, type Stall } from './stalls.js';

/** One trial. */
export interface Trial {
  /** Longest time between two acknowledged orders that began with the fault, in milliseconds. */
  readonly gapMs: number;
  /** When that time began, in milliseconds after the fault. */
  readonly beganMs: number;
  /** How much of that time the machine itself stood still, in milliseconds. */
  readonly stalledMs: number;
  /** The longest of those that began later, when orders had flowed again: while a replica is missing, any disk can hold them up. */
  readonly laterMs: number;
  /** Operations begun around the fault that failed, or whose outcome stayed unknown. */
  readonly errors: number;
}

/** Milliseconds before and after a fault that belong to its trial; until `withMs` a gap is said to begin with the fault. */
export interface TrialSpan {
  readonly beforeMs: number;
  readonly withMs: number;
  readonly afterMs: number;
}

/**
 * @param faults when each fault came, in milliseconds of the history; further apart than their spans
 * @param stalls when the machine stood still, in the same milliseconds
 */
export function measureTrials(
  history: readonly Operation[],
  faults: readonly number[],
  span: TrialSpan,
  stalls: readonly Stall[],
): Trial[] {
  const orders = history.filter(({ op }) => op === 'create' || op === 'trade');
  const isFailed = ({ output }: Operation): boolean =>
    output === null || ('status' in output && output.status === 'failed');
  const acknowledged = orders
    .filter((order) => !isFailed(order))
    .map(({ return_ns }) => (return_ns ?? 0) / 1e6)
    .sort((a, b) => a - b);
  return faults.map((at) => {
    const [from, to] = [at - span.beforeMs, at + span.afterMs];
    const within = acknowledged.filter((ms) => ms >= from && ms <= to);
    // Until the end of the span, too: where nothing was acknowledged any more, that is the gap.
    const gaps = [...within, to].map((ms, i) => {
      const begin = within[i - 1] ?? from;
      return { gapMs: ms - begin, beganMs: begin - at };
    });
    const longest = (some: typeof gaps): (typeof gaps)[number] =>
      some.reduce((a, b) => (b.gapMs > a.gapMs ? b : a), { gapMs: 0, beganMs: 0 });
    const { gapMs, beganMs } = longest(gaps.filter((gap) => gap.beganMs <= span.withMs));
    const begun = history.filter(({ call_ns }) => call_ns / 1e6 >= from && call_ns / 1e6 <= to);
    return {
      gapMs,
      beganMs,
      stalledMs: stalledBetween(stalls, at + beganMs, at + beganMs + gapMs),
      laterMs: longest(gaps.filter((gap) => gap.beganMs > span.withMs)).gapMs,
      errors: begun.filter(isFailed).length,
    };
  });
}

/** The least value that at least so large a share of the values does not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
