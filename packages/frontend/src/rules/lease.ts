/**
 * The right to answer from the cache. It is counted from when it was asked for, on a clock that counts suspended time too
 * (`LeaseClock`), and ends a tenth early, as the two clocks may run unequally fast: so it is surely over here before it is over at
 * the catalog. The catalog counts from when it granted, on its monotonic clock: if its machine is suspended, it waits longer.
 */

/** Part of a lease that is given up for the drift between two clocks. */
const DRIFT_MARGIN = 0.1;

/** Renewals that wait for their grant at most; at the bound the oldest is forgotten and its grant counts for nothing. */
const RENEWALS_MAX = 4;

export class Lease {
  /** When each renewal was sent. */
  readonly #sentAt = new Map<number, number>();
  #lastId = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** A renewal is sent at `now`; returns its id. */
  renew(now: number): number {
    this.#lastId += 1;
    this.#sentAt.set(this.#lastId, now);
    for (const id of this.#sentAt.keys()) {
      if (this.#sentAt.size <= RENEWALS_MAX) break;
      this.#sentAt.delete(id);
    }
    return this.#lastId;
  }

  /** Renewal `id` was granted for `ms`; a grant of a renewal that is not known changes nothing. */
  grant(id: number, ms: number): void {
    const sentAt = this.#sentAt.get(id);
    if (sentAt === undefined) return;
    this.#sentAt.delete(id);
    this.#until = Math.max(this.#until, sentAt + ms * (1 - DRIFT_MARGIN));
  }

  /** The link closed: renewals that are under way are answered no more, and nobody tells of changes. */
  end(): void {
    this.#sentAt.clear();
    this.#until = Number.NEGATIVE_INFINITY;
  }

  holds(now: number): boolean {
    return now < this.#until;
  }

  /** Milliseconds that are left at `now`, 0 if it is over. */
  remainingMs(now: number): number {
    return Math.max(0, this.#until - now);
  }
}
