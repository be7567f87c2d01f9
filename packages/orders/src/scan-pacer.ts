/** Paces what reads through the book beside the work of the replica: see `LoopShare`. */
import { setTimeout as delay } from 'node:timers/promises';
import { LoopShare } from './rules/loop-share.js';

/** When to read on. */
export interface Pacer {
  /** Waits until more may be done. */
  turn(): Promise<void>;
  /** Does a part of the work, and counts what it takes. */
  measure(work: () => void): void;
}

export class ScanPacer implements Pacer {
  readonly #share = new LoopShare();

  async turn(): Promise<void> {
    for (;;) {
      const waitMs = this.#share.waitMs(performance.now());
      if (waitMs <= 0) return;
      await delay(Math.ceil(waitMs));
    }
  }

  measure(work: () => void): void {
    const from = performance.now();
    work();
    this.#share.spent(from, performance.now());
  }
}
