/** A timer for rules that return the time of their next call. */

/** Node's timers can fire up to a millisecond early. */
const SLACK_MS = 1;

/** Calls the rules at the time that they asked for last. */
export class WakeTimer {
  readonly #now: () => number;
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | null = null;
  #time: number | null = null;

  /**
   * @param now returns the milliseconds of the rules' clock
   * @param wake called at the time that was set last, or slightly later
   */
  constructor(now: () => number, wake: () => void) {
    this.#now = now;
    this.#wake = wake;
  }

  /** Sets the time of the next call, and replaces any earlier one; null for no call. */
  set(time: number | null): void {
    if (time === this.#time) return;
    this.stop();
    if (time === null) return;
    this.#time = time;
    const delay = Math.max(0, Math.ceil(time - this.#now()) + SLACK_MS);
    this.#timer = setTimeout(() => {
      this.#time = null;
      this.#wake();
    }, delay);
  }

  /** Cancels the call that was set, if any. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#time = null;
  }
}
