/**
 * Intended start times of requests at a constant rate. Latency counts from the intended start, so a stall of
 * the system is charged to every request that it delays (no coordinated omission).
 */
export class StartSchedule {
  readonly #startMs: number;
  readonly #perMs: number;
  readonly #count: number;
  #taken = 0;

  /**
   * @param options.startMs time of the first start, on the clock of `take`.
   * @param options.perSecond rate, above 0.
   * @param options.count number of starts.
   * @throws RangeError if the rate is not above 0.
   */
  constructor(options: { readonly startMs: number; readonly perSecond: number; readonly count: number }) {
    if (!(options.perSecond > 0)) throw new RangeError(`rate must be above 0, got ${options.perSecond}`);
    this.#startMs = options.startMs;
    this.#perMs = options.perSecond / 1000;
    this.#count = options.count;
  }

  /** Returns the next intended start if it is due at `nowMs`, otherwise null. Each start is returned once. */
  takeDue(nowMs: number): number | null {
    if (this.isExhausted) return null;
    const dueMs = this.#startMs + this.#taken / this.#perMs;
    if (dueMs > nowMs) return null;
    this.#taken += 1;
    return dueMs;
  }

  /** Whether all starts have been returned. */
  get isExhausted(): boolean {
    return this.#taken >= this.#count;
  }
}
