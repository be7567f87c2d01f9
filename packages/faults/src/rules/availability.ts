/**
 * Availability for clients: errors, and the longest times without an acknowledged order or an answered
 * look-up.
 */
import type { Operation } from './history.js';
import { checkResult, type CheckResult } from './check-result.js';

/** Availability as clients saw it. */
export interface Availability {
  readonly operations: number;
  /** Number of orders whose outcome was acknowledged: filled, or rejected for insufficient stock. */
  readonly acknowledged: number;
  /** Number of operations that certainly had no effect. */
  readonly failed: number;
  readonly unknown: number;
  /** Longest time between two consecutive acknowledgements, and the time of the run at which it began. */
  readonly longestGapMs: number;
  readonly longestGapAtMs: number;
  /** The same for answered look-ups. */
  readonly longestLookupGapMs: number;
  readonly longestLookupGapAtMs: number;
}

/** Bounds of a scenario; an omitted bound is not checked. */
export interface AvailabilityBounds {
  /** Maximum number of operations that fail or have an unknown outcome. */
  readonly errorsMax?: number;
  /** Maximum time between two acknowledged orders, in milliseconds. */
  readonly gapMsMax?: number;
  /** Maximum time between two answered look-ups, in milliseconds. */
  readonly lookupGapMsMax?: number;
  /** Minimum number of acknowledged orders; a run without orders proves nothing. */
  readonly acknowledgedMin?: number;
}

/** @param span the measured part of the run, in nanoseconds of the history. */
export function measureAvailability(
  history: readonly Operation[],
  span: { readonly from_ns: number; readonly to_ns: number },
): Availability {
  const within = history.filter(
    ({ op, call_ns }) => op !== 'init' && call_ns >= span.from_ns && call_ns <= span.to_ns,
  );
  const isFailed = ({ output }: Operation): boolean =>
    output !== null && 'status' in output && output.status === 'failed';
  const answeredAt = (...ops: readonly Operation['op'][]): number[] =>
    within
      .filter(({ op }) => ops.includes(op))
      .filter((operation) => operation.return_ns !== null && !isFailed(operation))
      .map(({ return_ns }) => return_ns ?? 0)
      .sort((a, b) => a - b);
  const gapOf = (times: readonly number[]): Gap =>
    longestGap([span.from_ns, ...times.filter((at) => at < span.to_ns), span.to_ns]);
  const acknowledged = answeredAt('trade', 'create');
  const gap = gapOf(acknowledged);
  const lookupGap = gapOf(answeredAt('read'));
  return {
    operations: within.length,
    acknowledged: acknowledged.length,
    failed: within.filter(isFailed).length,
    unknown: within.filter(({ output }) => output === null).length,
    longestGapMs: gap.ns / 1e6,
    longestGapAtMs: gap.from / 1e6,
    longestLookupGapMs: lookupGap.ns / 1e6,
    longestLookupGapAtMs: lookupGap.from / 1e6,
  };
}

interface Gap {
  readonly ns: number;
  readonly from: number;
}

function longestGap(times: readonly number[]): Gap {
  let longest: Gap = { ns: 0, from: 0 };
  let before: number | null = null;
  for (const at of times) {
    if (before !== null && at - before > longest.ns) longest = { ns: at - before, from: before };
    before = at;
  }
  return longest;
}

export function checkAvailability(measured: Availability, bounds: AvailabilityBounds): CheckResult {
  const { acknowledged, failed, unknown, longestGapMs, longestGapAtMs, operations } = measured;
  const { longestLookupGapMs, longestLookupGapAtMs } = measured;
  const problems: string[] = [];
  const { errorsMax, gapMsMax, lookupGapMsMax, acknowledgedMin } = bounds;
  if (errorsMax !== undefined && failed + unknown > errorsMax) {
    problems.push(
      `${failed} operations failed and ${unknown} have an unknown outcome; allowed: ${errorsMax}`,
    );
  }
  if (gapMsMax !== undefined && longestGapMs > gapMsMax) {
    const gap = `no order was acknowledged for ${longestGapMs.toFixed(0)} ms, from ${longestGapAtMs.toFixed(0)} ms on`;
    problems.push(`${gap}; allowed: ${gapMsMax} ms`);
  }
  if (lookupGapMsMax !== undefined && longestLookupGapMs > lookupGapMsMax) {
    const gap = `no look-up was answered for ${longestLookupGapMs.toFixed(0)} ms, from ${longestLookupGapAtMs.toFixed(0)} ms on`;
    problems.push(`${gap}; allowed: ${lookupGapMsMax} ms`);
  }
  if (acknowledgedMin !== undefined && acknowledged < acknowledgedMin) {
    problems.push(`only ${acknowledged} orders were acknowledged; required: ${acknowledgedMin}`);
  }
  const errors = `${failed} failed, ${unknown} unknown`;
  return checkResult(
    'availability',
    `${operations} operations, ${errors}, longest gap ${longestGapMs.toFixed(0)} ms, for look-ups ${longestLookupGapMs.toFixed(0)} ms`,
    problems,
  );
}
