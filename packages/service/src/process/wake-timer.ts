/** The one timer of rules that say themselves when they want to be called next. */

/** Node's timers fire up to a millisecond early. */
const SLACK_MS = 1;

export class WakeTimer {
  readonly #now: () => number;
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | null = null;
  #time: number | null = null;

  /**
   * @param now milliseconds on the clock of the rules
   * @param wake called at the time that was set last, or up to a millisecond later
   */
  constructor(now: () => number, wake: () => void) {
    this.#now = now;
    this.#wake = wake;
  }

  /** Wakes at `time`, in the place of any time that was set before; never if it is null. */
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

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#time = null;
  }
}
