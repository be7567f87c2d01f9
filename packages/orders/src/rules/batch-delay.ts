/**
 * Whether orders should wait for more of them before they are logged. Each entry costs leader, followers and catalog about 1.4 ms
 * of CPU together, however few orders it carries. Clients that wait for their answers send again as soon as these come, all
 * at about the same time; a few that came earlier would be logged by themselves, and go on travelling apart from the rest.
 */

/** Milliseconds that orders wait at most. */
export const BATCH_DELAY_MS_MAX = 3;
/** How long the largest batch of late counts as such, in milliseconds: a few rounds of many clients. */
const RECENT_MS = 10;
/** Below it an entry more is cheaper than the wait: of a few clients each would wait for the others. */
const BATCH_MIN = 16;

export class BatchDelay {
  /** Orders in the largest batch of late, and when it was logged. */
  #largest = 0;
  #largestAt = Number.NEGATIVE_INFINITY;
  #waitsSince: number | null = null;

  /** A batch of so many orders is logged at `now` (milliseconds, never falling). */
  logged(orders: number, now: number): void {
    this.#waitsSince = null;
    if (orders < this.#largest && now - this.#largestAt <= RECENT_MS) return;
    this.#largest = orders;
    this.#largestAt = now;
  }

  /**
   * Milliseconds, above 0, that the `queued` orders should still wait if no more come; 0 if they are to be logged now, as they
   * are half as many as the largest batch of late at least, there was none worth waiting for, or they have waited enough.
   */
  patience(queued: number, now: number): number {
    const isRecent = now - this.#largestAt <= RECENT_MS && this.#largest >= BATCH_MIN;
    if (!isRecent || queued === 0 || queued * 2 >= this.#largest) return 0;
    this.#waitsSince ??= now;
    return Math.max(0, this.#waitsSince + BATCH_DELAY_MS_MAX - now);
  }
}
