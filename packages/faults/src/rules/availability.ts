/** How well clients were served: errors, and the longest times in which no order was acknowledged and no look-up answered. */
import type { Operation } from './history.js';
import { verdict, type Verdict } from './verdict.js';

/** What clients saw. */
export interface Availability {
  readonly operations: number;
  /** Orders acknowledged as filled or refused for want of stock. */
  readonly acknowledged: number;
  /** Surely without effect. */
  readonly failed: number;
  readonly unknown: number;
  /** Milliseconds between two acknowledgements that follow each other, and where the run was when it began. */
  readonly longestGapMs: number;
  readonly longestGapAtMs: number;
  /** The same of answered look-ups. */
  readonly longestLookupGapMs: number;
  readonly longestLookupGapAtMs: number;
}

/** What is promised of one scenario; what is left out may be anything. */
export interface AvailabilityBounds {
  /** Operations that fail or whose outcome stays unknown, at most. */
  readonly errorsMax?: number;
  /** Milliseconds between two acknowledged orders, at most. */
  readonly gapMsMax?: number;
  /** Milliseconds between two answered look-ups, at most. */
  readonly lookupGapMsMax?: number;
  /** Orders acknowledged, at least: a run that orders nothing shows nothing. */
  readonly acknowledgedMin?: number;
}

/** @param span the part of the run that counts, in nanoseconds of the history. */
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

export function checkAvailability(measured: Availability, bounds: AvailabilityBounds): Verdict {
  const { acknowledged, failed, unknown, longestGapMs, longestGapAtMs, operations } = measured;
  const { longestLookupGapMs, longestLookupGapAtMs } = measured;
  const problems: string[] = [];
  const { errorsMax, gapMsMax, lookupGapMsMax, acknowledgedMin } = bounds;
  if (errorsMax !== undefined && failed + unknown > errorsMax) {
    problems.push(`${failed} operations failed and ${unknown} stayed unknown, at most ${errorsMax} may`);
  }
  if (gapMsMax !== undefined && longestGapMs > gapMsMax) {
    const gap = `no order was acknowledged for ${longestGapMs.toFixed(0)} ms, from ${longestGapAtMs.toFixed(0)} ms on`;
    problems.push(`${gap}; ${gapMsMax} ms are allowed`);
  }
  if (lookupGapMsMax !== undefined && longestLookupGapMs > lookupGapMsMax) {
    const gap = `no look-up was answered for ${longestLookupGapMs.toFixed(0)} ms, from ${longestLookupGapAtMs.toFixed(0)} ms on`;
    problems.push(`${gap}; ${lookupGapMsMax} ms are allowed`);
  }
  if (acknowledgedMin !== undefined && acknowledged < acknowledgedMin) {
    problems.push(`${acknowledged} orders were acknowledged, it takes ${acknowledgedMin}`);
  }
  const errors = `${failed} failed, ${unknown} unknown`;
  return verdict(
    'availability',
    `${operations} operations, ${errors}, gap ${longestGapMs.toFixed(0)} ms, of look-ups ${longestLookupGapMs.toFixed(0)} ms`,
    problems,
  );
}
