/** Detects slow disk writes. Reports a slow write once while it runs, and once when it is done. */
import type { Clock } from './clock.js';

/** Events about slow disk writes. */
export type DiskEvent =
  /**
   * A write and its sync are not done after `waitedMs` milliseconds. The node acknowledges nothing until they
   * are.
   */
  | { readonly type: 'diskSlow'; readonly waitedMs: number }
  /** The write that was reported as slow is done, after `tookMs` milliseconds. */
  | { readonly type: 'diskRecovered'; readonly tookMs: number };

export class SlowWriteDetector {
  readonly #clock: Clock;
  readonly #slowMs: number;
  readonly #onEvent: (event: DiskEvent) => void;
  /** When the running write began. */
  #since: number | null = null;
  #isReported = false;

  /** @param slowMs a write that takes at least this long, in milliseconds, is reported */
  constructor(clock: Clock, slowMs: number, onEvent: (event: DiskEvent) => void) {
    this.#clock = clock;
    this.#slowMs = slowMs;
    this.#onEvent = onEvent;
  }

  /** Starts the measurement of a write; there is one write at a time. */
  onWriteStart(): void {
    this.#since = this.#clock.now();
    this.#isReported = false;
  }

  /** Reports the running write if it is slow. Called at every tick of the node. */
  tick(): void {
    if (this.#since === null || this.#isReported) return;
    const waitedMs = this.#clock.now() - this.#since;
    if (waitedMs < this.#slowMs) return;
    this.#isReported = true;
    this.#onEvent({ type: 'diskSlow', waitedMs });
  }

  /** Ends the measurement of the write. */
  onWriteEnd(): void {
    if (this.#since !== null && this.#isReported) {
      this.#onEvent({ type: 'diskRecovered', tookMs: this.#clock.now() - this.#since });
    }
    this.#since = null;
  }
}
