/** A ramp that doubles the number of connections until throughput stops rising. */

/** Minimum relative rise of throughput for a step to count as a rise. */
const RISE_MIN = 0.03;

/** Number of consecutive steps without a rise that end the ramp; a single one may be noise. */
const FLAT_STEPS = 2;

/** Chooses the number of connections of each step. */
export class Ramp {
  readonly #max: number;
  #connections = 1;
  #best = 0;
  #flat = 0;

  /** @param max maximum number of connections; the ramp starts at 1 and doubles. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Connections of the next step; null at the end of the ramp. */
  get nextConnections(): number | null {
    if (this.#connections > this.#max || this.#flat >= FLAT_STEPS) return null;
    return this.#connections;
  }

  /** Records the throughput of the step, in requests per second. */
  recordThroughput(perSecond: number): void {
    this.#flat = perSecond > this.#best * (1 + RISE_MIN) ? 0 : this.#flat + 1;
    this.#best = Math.max(this.#best, perSecond);
    this.#connections *= 2;
  }
}
