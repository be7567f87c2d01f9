/**
 * Limits work whose amount grows with the data, such as lists and exports, to a share of the event loop, so
 * that it does not delay other work much. After a pause, a burst is allowed.
 */

/** Maximum share of the time for such work. */
const SHARE = 0.2;
/** Work allowed at once after a pause, in milliseconds. */
const BURST_MS = 10;
/** Maximum duration that one part counts for: if it took longer, other processes used the CPU. */
const PART_MS_MAX = 2;

export class EventLoopShare {
  /** Time from which more work is allowed: later by `1 / SHARE` times all work done. */
  #allowedAt = Number.NEGATIVE_INFINITY;

  /** Milliseconds to wait before the next part. @param now on a monotonic clock, in milliseconds */
  waitMs(now: number): number {
    return Math.max(0, this.#allowedAt - now);
  }

  /** A part of the work was done from `from` to `to`. */
  record(from: number, to: number): void {
    const ms = Math.min(to - from, PART_MS_MAX);
    this.#allowedAt = Math.max(this.#allowedAt, from - BURST_MS / SHARE) + ms / SHARE;
  }
}
