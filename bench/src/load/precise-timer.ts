/**
 * A timer with a period below one millisecond. Node's timers have a resolution of 1 ms, which is longer than
 * most latencies measured here, and a busy loop would take a core from the system under test. So a thread
 * sleeps on a futex and posts a message at each tick.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { STOPPED, PENDING, type PreciseTimerData } from './precise-timer-data.js';

export class PreciseTimer {
  readonly #worker: Worker;
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));

  /** @param periodMs at least 0.05. A tick that is due before the last one was handled is skipped. */
  constructor(periodMs: number, onTick: () => void) {
    if (!(periodMs >= 0.05)) throw new RangeError(`period of ${periodMs} ms is below the minimum of 0.05 ms`);
    const workerData: PreciseTimerData = { periodNs: Math.round(periodMs * 1e6), shared: this.#shared };
    this.#worker = new Worker(new URL('./precise-timer-thread.js', import.meta.url), { workerData });
    this.#worker.on('message', () => {
      Atomics.store(this.#shared, PENDING, 0);
      onTick();
    });
  }

  /** Stops the timer and ends its thread. */
  async stop(): Promise<void> {
    const ended = once(this.#worker, 'exit');
    Atomics.store(this.#shared, STOPPED, 1);
    Atomics.notify(this.#shared, STOPPED);
    await ended;
  }
}
