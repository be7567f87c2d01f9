/** Stalls of the whole machine, as they occur on virtual machines. */

/** Sleep of the detecting thread in ms, and the delay of its wake-up in ms that counts as a stall. */
export const STALL_POLL_MS = 2;
export const STALL_MS_MIN = 10;

/** From the last time at which the machine ran to the first time at which it ran again, in milliseconds. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Total time of stalls between `fromMs` and `toMs`, in milliseconds. Stalls do not overlap. */
export function stalledBetween(stalls: readonly Stall[], fromMs: number, toMs: number): number {
  return stalls.reduce(
    (sum, stall) => sum + Math.max(0, Math.min(stall.toMs, toMs) - Math.max(stall.fromMs, fromMs)),
    0,
  );
}
