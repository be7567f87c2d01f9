/** Watches for moments in which the machine itself stood still, as virtual ones do: no system under test can answer then. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Stall } from '../rules/stalls.js';

/** Remembered at most; a machine that stands still more often is not one to measure on. */
const STALLS_MAX = 10_000;

export class StallWatch {
  readonly #stopped = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker = new Worker(new URL('./stall-thread.js', import.meta.url), { workerData: this.#stopped });
  readonly #stalls: Stall[] = [];

  /** @param now the clock that stalls are told by, in milliseconds. */
  constructor(now: () => number) {
    const originMs = now() - Number(process.hrtime.bigint()) / 1e6;
    this.#worker.on('message', ([from, to]: readonly [bigint, bigint]) => {
      if (this.#stalls.length >= STALLS_MAX) return;
      this.#stalls.push({ fromMs: originMs + Number(from) / 1e6, toMs: originMs + Number(to) / 1e6 });
    });
  }

  /** Ends the watch, and gives what it saw, in the order of time. */
  async stop(): Promise<readonly Stall[]> {
    const ended = once(this.#worker, 'exit');
    Atomics.store(this.#stopped, 0, 1);
    Atomics.notify(this.#stopped, 0);
    await ended;
    return this.#stalls;
  }
}
