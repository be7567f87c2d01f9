/** Measures the gaps in orders and look-ups that a fault causes, and the errors that clients see. */
import type { Operation } from './history.js';
import { stalledBetween, type Stall } from './stalls.js';

/**
 * Measurements around one fault. A gap belongs to the fault if it begins within `TrialSpan.withMs` after it.
 */
export interface FailoverTrial {
  /** Longest gap between two acknowledged orders that belongs to the fault, in milliseconds. */
  readonly gapMs: number;
  /** Start of that gap, in milliseconds after the fault. */
  readonly beganMs: number;
  /** Time within that gap for which the machine itself was stalled, in milliseconds. */
  readonly stalledMs: number;
  /** Longest later gap. While a replica is missing, each remaining disk can delay orders. */
  readonly laterMs: number;
  /**
   * Longest gap between two answered look-ups that belongs to the fault, and the machine's stalls within it.
   */
  readonly lookupGapMs: number;
  readonly lookupStalledMs: number;
  /** Number of operations begun around the fault that failed or have an unknown outcome. */
  readonly errors: number;
}

/**
 * Milliseconds before and after a fault that belong to its trial. A gap that begins by `withMs` belongs to
 * the fault.
 */
export interface TrialSpan {
  readonly beforeMs: number;
  readonly withMs: number;
  readonly afterMs: number;
}

/**
 * @param faults time of each fault, in milliseconds of the history; spans must not overlap
 * @param stalls stalls of the machine, on the same clock
 */
export function measureTrials(
  history: readonly Operation[],
  faults: readonly number[],
  span: TrialSpan,
  stalls: readonly Stall[],
): FailoverTrial[] {
  const answeredAt = (...ops: readonly Operation['op'][]): number[] =>
    history
      .filter((operation) => ops.includes(operation.op) && !isFailed(operation))
      .map(({ return_ns }) => (return_ns ?? 0) / 1e6)
      .sort((a, b) => a - b);
  const acknowledged = answeredAt('create', 'trade');
  const lookedUp = answeredAt('read');
  return faults.map((at) => {
    const [from, to] = [at - span.beforeMs, at + span.afterMs];
    const gapsOf = (times: readonly number[]): Gap[] => gapsBetween(times, from, to, at);
    const isWithFault = ({ beganMs }: Gap): boolean => beganMs <= span.withMs;
    const stalledIn = ({ gapMs, beganMs }: Gap): number =>
      stalledBetween(stalls, at + beganMs, at + beganMs + gapMs);
    const gaps = gapsOf(acknowledged);
    const gap = longest(gaps.filter(isWithFault));
    const lookupGap = longest(gapsOf(lookedUp).filter(isWithFault));
    const begun = history.filter(({ call_ns }) => call_ns / 1e6 >= from && call_ns / 1e6 <= to);
    return {
      gapMs: gap.gapMs,
      beganMs: gap.beganMs,
      stalledMs: stalledIn(gap),
      laterMs: longest(gaps.filter((one) => !isWithFault(one))).gapMs,
      lookupGapMs: lookupGap.gapMs,
      lookupStalledMs: stalledIn(lookupGap),
      errors: begun.filter(isFailed).length,
    };
  });
}

interface Gap {
  readonly gapMs: number;
  readonly beganMs: number;
}

/** Gaps between consecutive times, including the gap up to the end of the span. */
function gapsBetween(times: readonly number[], from: number, to: number, at: number): Gap[] {
  const within = times.filter((ms) => ms >= from && ms <= to);
  return [...within, to].map((ms, i) => {
    const begin = within[i - 1] ?? from;
    return { gapMs: ms - begin, beganMs: begin - at };
  });
}

function longest(gaps: readonly Gap[]): Gap {
  return gaps.reduce((a, b) => (b.gapMs > a.gapMs ? b : a), { gapMs: 0, beganMs: 0 });
}

function isFailed({ output }: Operation): boolean {
  return output === null || ('status' in output && output.status === 'failed');
}

/** The smallest value such that at least `share` of the values do not exceed it (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
