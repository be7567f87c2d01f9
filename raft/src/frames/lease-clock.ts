/**
 * The clock by which a lease is held. A holder must never count less time than has passed, or it goes on after the giver thinks the
 * lease over. Node's monotonic clock stands still while a Linux machine is suspended, the wall clock goes on, so this clock goes
 * on by whichever of the two goes further:
 *
 * - a suspension ends the lease, as it should;
 * - a wall clock that is set forward ends it early, which costs one renewal;
 * - a wall clock that is set back changes nothing.
 *
 * The giver of a lease counts by the monotonic clock alone: it must never count more time than has passed, and to count less only
 * makes it wait longer.
 *
 * Not noticed: that the wall clock is set back by about as long as a suspension lasts, before this clock is read again.
 */

/** `Date.now` has whole milliseconds: it may seem to have gone on by so much more than it has. */
const ROUNDING_MS = 1;

/** A clock for holders of leases, on one process. */
export class LeaseClock {
  readonly #monotonic: () => number;
  readonly #wall: () => number;
  /** The wall clock's lead over the monotonic one; the least since it was last counted. */
  #lead: number;
  /** Time that only the wall clock has counted. */
  #skipped = 0;

  /**
   * @param monotonic milliseconds that never fall; `performance.now` unless given
   * @param wall milliseconds since 1970; `Date.now` unless given
   */
  constructor(monotonic: () => number = () => performance.now(), wall: () => number = () => Date.now()) {
    this.#monotonic = monotonic;
    this.#wall = wall;
    this.#lead = wall() - monotonic();
  }

  /** Milliseconds that never fall, from no particular time. */
  now(): number {
    const monotonic = this.#monotonic();
    const lead = this.#wall() - monotonic;
    const gained = lead - this.#lead;
    if (gained > ROUNDING_MS) this.#skipped += gained;
    if (gained > ROUNDING_MS || gained < 0) this.#lead = lead;
    return monotonic + this.#skipped;
  }

  /**
   * Milliseconds of `now` that only the wall clock has counted. Who gives leases by this clock as well must not believe that these
   * have passed.
   */
  get skipped(): number {
    return this.#skipped;
  }
}
