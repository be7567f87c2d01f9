/**
 * The clock of a lease holder. A holder must never measure less time than has passed, or it would use a lease
 * that its grantor considers expired. Node's monotonic clock stops while a Linux machine is suspended, but
 * the wall clock does not. This clock advances by the larger advance of the two:
 *
 * - a suspension expires the lease;
 * - setting the wall clock forward expires the lease early, which costs one renewal;
 * - setting the wall clock back has no effect.
 *
 * The grantor of a lease uses the monotonic clock alone: it must never measure more time than has passed;
 * measuring less only makes it wait longer.
 *
 * Limitation: the clock misses a suspension if the wall clock is set back by about its duration before the
 * next reading.
 */

/**
 * `Date.now` returns whole milliseconds, so it may seem to advance by up to this much more than the real
 * time.
 */
const ROUNDING_MS = 1;

/** A clock for lease holders that also counts the time for which the machine was suspended. */
export class LeaseClock {
  readonly #monotonic: () => number;
  readonly #wall: () => number;
  /** Wall clock minus monotonic clock: the minimum since the last counted gain. */
  #offset: number;
  /** Time that only the wall clock has counted. */
  #skipped = 0;

  /**
   * @param monotonic monotonic milliseconds; `performance.now` unless given
   * @param wall milliseconds since 1970; `Date.now` unless given
   */
  constructor(monotonic: () => number = () => performance.now(), wall: () => number = () => Date.now()) {
    this.#monotonic = monotonic;
    this.#wall = wall;
    this.#offset = wall() - monotonic();
  }

  /** Milliseconds that never decrease, with an arbitrary origin. */
  now(): number {
    const monotonic = this.#monotonic();
    const offset = this.#wall() - monotonic;
    const gained = offset - this.#offset;
    if (gained > ROUNDING_MS) this.#skipped += gained;
    if (gained > ROUNDING_MS || gained < 0) this.#offset = offset;
    return monotonic + this.#skipped;
  }

  /**
   * Milliseconds of `now` that only the wall clock has counted. A process that also grants leases by this
   * clock must not assume that this time has passed.
   */
  get skippedMs(): number {
    return this.#skipped;
  }
}
