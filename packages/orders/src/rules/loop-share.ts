/**
 * Keeps work whose amount grows with the data, such as lists and exports, to a share of the event loop, so that it delays
 * nothing else by much however much of it is asked for. After a pause some of it may be done at once.
 */

/** Share of the time that such work takes at most. */
const SHARE = 0.2;
/** Work that is done at once after a pause, in milliseconds. */
const BURST_MS = 10;
/** What one part of it counts for at most: where it took longer, the machine was busy with something else. */
const PART_MS_MAX = 2;

export class LoopShare {
  /** From when on more is allowed: later by `1 / SHARE` of all work that was done. */
  #allowedAt = Number.NEGATIVE_INFINITY;

  /** Milliseconds to wait before more of it is done. @param now on a clock that never falls, in milliseconds */
  waitMs(now: number): number {
    return Math.max(0, this.#allowedAt - now);
  }

  /** A part of it was done from `from` to `to`. */
  spent(from: number, to: number): void {
    const ms = Math.min(to - from, PART_MS_MAX);
    this.#allowedAt = Math.max(this.#allowedAt, from - BURST_MS / SHARE) + ms / SHARE;
  }
}
