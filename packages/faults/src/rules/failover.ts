/** How long orders stand still when their leader goes, and what clients see of it. */
import type { Operation } from './history.js';

/** One trial. */
export interface Trial {
  /** Longest time between two acknowledged orders around the fault, in milliseconds. */
  readonly gapMs: number;
  /** When that time began, in milliseconds after the fault: long after it, something else made orders wait. */
  readonly beganMs: number;
  /** Operations begun around the fault that failed, or whose outcome stayed unknown. */
  readonly errors: number;
}

/** Milliseconds before and after a fault that belong to its trial. */
export interface TrialSpan {
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** @param faults when each fault came, in milliseconds of the history; further apart than their spans. */
export function measureTrials(
  history: readonly Operation[],
  faults: readonly number[],
  span: TrialSpan,
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
    const gaps = within
      .slice(1)
      .map((ms, i) => ({ gapMs: ms - (within[i] ?? ms), beganMs: (within[i] ?? ms) - at }));
    const [longest] = gaps.toSorted((a, b) => b.gapMs - a.gapMs);
    const begun = history.filter(({ call_ns }) => call_ns / 1e6 >= from && call_ns / 1e6 <= to);
    return {
      ...(longest ?? { gapMs: span.beforeMs + span.afterMs, beganMs: -span.beforeMs }),
      errors: begun.filter(isFailed).length,
    };
  });
}

/** The least value that at least so large a share of the values does not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
