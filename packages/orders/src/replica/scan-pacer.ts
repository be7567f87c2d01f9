/** Paces scans of the book, so that they do not delay other work; see `EventLoopShare`. */
import { setTimeout as delay } from 'node:timers/promises';
import { EventLoopShare } from '../rules/event-loop-share.js';

/** Decides when a scan may continue. */
export interface Pacer {
  /** Waits until the scan may continue. */
  waitForTurn(): Promise<void>;
  /** Runs a part of the work and counts its duration. */
  measure(work: () => void): void;
}

export class ScanPacer implements Pacer {
  readonly #share = new EventLoopShare();

  async waitForTurn(): Promise<void> {
    for (;;) {
      const waitMs = this.#share.waitMs(performance.now());
      if (waitMs <= 0) return;
      await delay(Math.ceil(waitMs));
    }
  }

  measure(work: () => void): void {
    const from = performance.now();
    work();
    this.#share.record(from, performance.now());
  }
}
