/** How long orders and look-ups stand still when a process goes, and what clients see of it. */
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
  /** Longest time between two answered look-ups that began with the fault, and how much of it the machine stood still. */
  readonly lookupGapMs: number;
  readonly lookupStalledMs: number;
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
      ...{ gapMs: gap.gapMs, beganMs: gap.beganMs, stalledMs: stalledIn(gap) },
      laterMs: longest(gaps.filter((one) => !isWithFault(one))).gapMs,
      ...{ lookupGapMs: lookupGap.gapMs, lookupStalledMs: stalledIn(lookupGap) },
      errors: begun.filter(isFailed).length,
    };
  });
}

interface Gap {
  readonly gapMs: number;
  readonly beganMs: number;
}

/** Until the end of the span, too: where nothing was answered any more, that is the gap. */
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

/** The least value that at least so large a share of the values does not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
