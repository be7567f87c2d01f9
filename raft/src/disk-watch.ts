/** Tells when the disk takes long: once while a write is under way, and once more when it has come through. */
import type { Clock } from './clock.js';

/** What a node tells of a disk that takes long. */
export type DiskEvent =
  /** A write and its sync are not done after `waitedMs` milliseconds. Nothing is acknowledged until they are. */
  | { readonly type: 'diskSlow'; readonly waitedMs: number }
  /** The write that was told to be slow is done, after `tookMs` milliseconds. */
  | { readonly type: 'diskRecovered'; readonly tookMs: number };

export class DiskWatch {
  readonly #clock: Clock;
  readonly #slowMs: number;
  readonly #onEvent: (event: DiskEvent) => void;
  /** When the write under way began. */
  #since: number | null = null;
  #isTold = false;

  /** @param slowMs a write that takes this long, in milliseconds, is told of */
  constructor(clock: Clock, slowMs: number, onEvent: (event: DiskEvent) => void) {
    this.#clock = clock;
    this.#slowMs = slowMs;
    this.#onEvent = onEvent;
  }

  /** A write begins; there is one at a time. */
  begin(): void {
    this.#since = this.#clock.now();
    this.#isTold = false;
  }

  /** To be called now and then. */
  tick(): void {
    if (this.#since === null || this.#isTold) return;
    const waitedMs = this.#clock.now() - this.#since;
    if (waitedMs < this.#slowMs) return;
    this.#isTold = true;
    this.#onEvent({ type: 'diskSlow', waitedMs });
  }

  /** The write is done. */
  end(): void {
    if (this.#since !== null && this.#isTold) {
      this.#onEvent({ type: 'diskRecovered', tookMs: this.#clock.now() - this.#since });
    }
    this.#since = null;
  }
}
