/** Limits log lines that others can cause: one line of each kind in an interval, with the number suppressed. */

/** Maximum number of kinds; further ones share one limit. */
const KINDS_MAX = 64;

interface Kind {
  loggedAt: number;
  suppressed: number;
}

/** Decides for each line whether to log it; each kind has its own interval. */
export class LogThrottle {
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, Kind>();

  /** @param intervalMs minimum milliseconds between two lines of one kind. */
  constructor(intervalMs = 1_000) {
    this.#intervalMs = intervalMs;
  }

  /**
   * Decides whether to log a line of this kind.
   * @param now monotonic milliseconds
   * @returns the number of lines suppressed since the last one; null if this one must be suppressed as well.
   */
  suppressedIfDue(kind: string, now: number): number | null {
    const name = this.#kinds.has(kind) || this.#kinds.size < KINDS_MAX ? kind : '';
    const known = this.#kinds.get(name);
    if (known === undefined) {
      this.#kinds.set(name, { loggedAt: now, suppressed: 0 });
      return 0;
    }
    if (now - known.loggedAt < this.#intervalMs) {
      known.suppressed += 1;
      return null;
    }
    const { suppressed } = known;
    known.loggedAt = now;
    known.suppressed = 0;
    return suppressed;
  }
}
