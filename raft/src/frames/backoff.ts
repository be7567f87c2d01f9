/** How long to wait before dialing again: doubling from a minimum to a maximum, with jitter. Pure. */

/** The steps of a backoff, and its chance. */
export interface BackoffOptions {
  /** First wait, in milliseconds. */
  readonly msMin: number;
  /** Longest wait, in milliseconds. */
  readonly msMax: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** How long to wait before the next attempt: longer each time, up to a bound, with jitter. */
export class Backoff {
  readonly #options: BackoffOptions;
  #ms: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#ms = options.msMin;
  }

  /** The next wait in milliseconds: from half of the present step up to the whole, so that dialers do not march in step. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, this.#options.msMax);
    return ms / 2 + (ms / 2) * this.#options.random();
  }

  /** Begins at the first wait again. */
  reset(): void {
    this.#ms = this.#options.msMin;
  }
}
