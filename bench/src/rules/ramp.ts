/** More and more connections, until more of them bring no more throughput. */

/** Throughput must rise by this share for a step to count as a rise. */
const RISE_MIN = 0.03;

/** Steps in a row without a rise that end the ramp: one alone may be the machine's noise. */
const FLAT_STEPS = 2;

/** Decides which number of connections comes next. */
export class Ramp {
  readonly #max: number;
  #connections = 1;
  #best = 0;
  #flat = 0;

  /** @param max connections at most; the ramp doubles from 1. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Connections of the next step, null when the ramp is over. */
  get next(): number | null {
    if (this.#connections > this.#max || this.#flat >= FLAT_STEPS) return null;
    return this.#connections;
  }

  /** Tells what the step brought, in requests a second. */
  measured(perSecond: number): void {
    this.#flat = perSecond > this.#best * (1 + RISE_MIN) ? 0 : this.#flat + 1;
    this.#best = Math.max(this.#best, perSecond);
    this.#connections *= 2;
  }
}
