/**
 * Calls back in steps finer than a millisecond. Node's timers count whole milliseconds, which is longer than most of
 * the latencies that are measured here, and spinning until the time has come would take a core from what is measured. So a
 * thread sleeps on a futex and posts a message each time: some 20 µs of CPU a beat.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { STOPPED, UNHEARD, type MetronomeData } from './metronome-data.js';

export class Metronome {
  readonly #worker: Worker;
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));

  /** @param periodMs between two beats, at least 0.05; beats that come while the last one is not heard are left out. */
  constructor(periodMs: number, onBeat: () => void) {
    if (!(periodMs >= 0.05)) throw new RangeError(`a beat every ${periodMs} ms is too fast`);
    const workerData: MetronomeData = { periodNs: Math.round(periodMs * 1e6), shared: this.#shared };
    this.#worker = new Worker(new URL('./metronome-thread.js', import.meta.url), { workerData });
    this.#worker.on('message', () => {
      Atomics.store(this.#shared, UNHEARD, 0);
      onBeat();
    });
  }

  /** Ends the thread. */
  async stop(): Promise<void> {
    const ended = once(this.#worker, 'exit');
    Atomics.store(this.#shared, STOPPED, 1);
    Atomics.notify(this.#shared, STOPPED);
    await ended;
  }
}
