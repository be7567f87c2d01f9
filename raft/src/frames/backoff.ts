/** Exponential backoff with jitter. Pure. */

/** The bounds of a backoff, and its source of randomness. */
export interface BackoffOptions {
  /** First delay, in milliseconds. */
  readonly msMin: number;
  /** Longest delay, in milliseconds. */
  readonly msMax: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The delay before the next attempt: it doubles each time, up to a maximum, with jitter. */
export class Backoff {
  readonly #options: BackoffOptions;
  #ms: number;

  /** @param options the bounds; `msMin` must not exceed `msMax` */
  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#ms = options.msMin;
  }

  /**
   * The next delay in milliseconds: half of the current step to all of it, so that clients do not retry in
   * lockstep.
   */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, this.#options.msMax);
    return ms / 2 + (ms / 2) * this.#options.random();
  }

  /** Resets the delay to the minimum. */
  reset(): void {
    this.#ms = this.#options.msMin;
  }
}
