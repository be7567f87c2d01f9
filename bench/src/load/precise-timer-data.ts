/** Data that a metronome and its thread share. */

/**
 * Indexes of `shared`: `STOPPED` is 1 once the thread must end, `PENDING` is 1 while a posted tick is not
 * handled yet.
 */
export const STOPPED = 0;
export const PENDING = 1;

export interface PreciseTimerData {
  readonly periodNs: number;
  readonly shared: Int32Array;
}
