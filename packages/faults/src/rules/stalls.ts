/** Moments in which the machine itself stood still. */

/** Milliseconds that the watch sleeps between two looks, and those beyond that make a stall. */
export const SLEEP_MS = 2;
export const LATE_MS = 10;

/** From the last moment at which it ran to the first at which it ran again, in milliseconds. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How much of the time from `fromMs` to `toMs` it stood still, in milliseconds. Stalls do not overlap. */
export function stalledBetween(stalls: readonly Stall[], fromMs: number, toMs: number): number {
  return stalls.reduce(
    (sum, stall) => sum + Math.max(0, Math.min(stall.toMs, toMs) - Math.max(stall.fromMs, fromMs)),
    0,
  );
}
