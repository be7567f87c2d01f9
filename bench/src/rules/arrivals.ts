/**
 * When requests are meant to start, at an even rate. Latency counts from there, whenever the request really left: a
 * system that stalls is charged for every request that would have come meanwhile (no coordinated omission).
 */
export class Arrivals {
  readonly #startMs: number;
  readonly #perMs: number;
  readonly #count: number;
  #taken = 0;

  /**
   * @param options.startMs when the first is due, on the clock that `take` is asked with.
   * @param options.perSecond rate, above 0.
   * @param options.count how many there are.
   */
  constructor(options: { readonly startMs: number; readonly perSecond: number; readonly count: number }) {
    if (!(options.perSecond > 0)) throw new RangeError(`a rate of ${options.perSecond} a second is none`);
    this.#startMs = options.startMs;
    this.#perMs = options.perSecond / 1000;
    this.#count = options.count;
  }

  /** The intended start of the next one that is due at `nowMs`, null if none is. Each is given once. */
  take(nowMs: number): number | null {
    if (this.exhausted) return null;
    const dueMs = this.#startMs + this.#taken / this.#perMs;
    if (dueMs > nowMs) return null;
    this.#taken += 1;
    return dueMs;
  }

  /** Whether all have been given. */
  get exhausted(): boolean {
    return this.#taken >= this.#count;
  }
}
