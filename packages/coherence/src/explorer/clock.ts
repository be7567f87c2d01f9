/**
 * Time in the explorer is relative: every clock always shows 0, and a tick moves all stored times back by one.
 * States that differ only by their absolute time are therefore one state.
 */
import type { LeaseState, Milliseconds } from '../index.js';

export const NOW: Milliseconds = 0;

/** Moves a time back by one tick. All times in the past become `past`. */
export function moveBack(time: Milliseconds, past: Milliseconds): Milliseconds {
  // Sums of tenths are not exact. Without rounding, equal times would make different states.
  const moved = Math.round((time - 1) * 1000) / 1000;
  return moved > 0 ? moved : past;
}

export function copyLease(lease: LeaseState): LeaseState {
  return { ...lease, requestedAt: new Map(lease.requestedAt) };
}

/** @param ms length of the lease. Requests older than that become equal: a lease counted from them has expired. */
export function tickLease(lease: LeaseState, ms: Milliseconds): void {
  lease.until = moveBack(lease.until, -Infinity);
  for (const [id, at] of lease.requestedAt) lease.requestedAt.set(id, Math.max(at - 1, -Math.ceil(ms)));
}

/** Maps the request ids in use to the lowest numbers, in order, so that states that differ only by ids are one. */
export type Rename = (id: number) => number;

/** @param ids the ids in use, in order */
export function renumbering(ids: readonly number[]): Rename {
  return (id) => ids.indexOf(id) + 1;
}

export function sortedUnique(ids: Iterable<number>): readonly number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** Renames the ids of a lease. @param inUse number of ids in use, which becomes the last id */
export function renameLease(lease: LeaseState, rename: Rename, inUse: number): LeaseState {
  return {
    until: lease.until,
    lastRequest: inUse,
    requestedAt: new Map([...lease.requestedAt].map(([id, at]) => [rename(id), at])),
  };
}
