/** Paces what reads through the book beside the work of the replica: see `LoopShare`. */
import { setTimeout as delay } from 'node:timers/promises';
import { LoopShare } from './rules/loop-share.js';

export class ScanPacer {
  readonly #share = new LoopShare();

  /** Waits until more may be done. */
  async turn(): Promise<void> {
    for (;;) {
      const waitMs = this.#share.waitMs(performance.now());
      if (waitMs <= 0) return;
      await delay(Math.ceil(waitMs));
    }
  }

  /** Does a part of the work, and counts what it takes. */
  measure(work: () => void): void {
    const from = performance.now();
    work();
    this.#share.spent(from, performance.now());
  }
}
