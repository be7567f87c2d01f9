/**
 * Time in the explorer is relative: every clock always stands at 0, and a tick moves all stored times back by one. So
 * states that differ by their absolute time alone are one state.
 */
import type { LeaseState, Milliseconds } from '../index.js';

export const NOW: Milliseconds = 0;

/** The time one tick earlier. Times that are past become equal: `past`. */
export function earlier(time: Milliseconds, past: Milliseconds): Milliseconds {
  // Sums of tenths are not exact: without rounding the same time would be several states.
  const moved = Math.round((time - 1) * 1000) / 1000;
  return moved > 0 ? moved : past;
}

export function copyLease(lease: LeaseState): LeaseState {
  return { ...lease, requestedAt: new Map(lease.requestedAt) };
}

/** @param ms length of the lease: requests from which it would be over already become equal */
export function tickLease(lease: LeaseState, ms: Milliseconds): void {
  lease.until = earlier(lease.until, -Infinity);
  for (const [id, at] of lease.requestedAt) lease.requestedAt.set(id, Math.max(at - 1, -Math.ceil(ms)));
}

/** Gives the request ids in use the lowest numbers, in their order: states that differ by ids alone are one. */
export type Rename = (id: number) => number;

/** @param ids in use, in their order */
export function renaming(ids: readonly number[]): Rename {
  return (id) => ids.indexOf(id) + 1;
}

export function inOrder(ids: Iterable<number>): readonly number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** The same lease with its ids renamed, and the count of ids in use, which becomes the last one. */
export function renameLease(lease: LeaseState, rename: Rename, inUse: number): LeaseState {
  return {
    until: lease.until,
    lastRequest: inUse,
    requestedAt: new Map([...lease.requestedAt].map(([id, at]) => [rename(id), at])),
  };
}
