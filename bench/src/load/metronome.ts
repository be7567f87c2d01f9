/**
 * Calls back in steps finer than a millisecond. Node's timers count whole milliseconds, which is longer than most of
 * the latencies that are measured here, and spinning until the time has come would take a core from what is measured. So a
 * thread sleeps on a futex and posts a message each time: some 20 µs of CPU a beat.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export class Metronome {
  readonly #worker: Worker;
  readonly #stop: Int32Array;

  /** @param periodMs between two beats, at least 0.05. */
  constructor(periodMs: number, onBeat: () => void) {
    if (!(periodMs >= 0.05)) throw new RangeError(`a beat every ${periodMs} ms is too fast`);
    this.#stop = new Int32Array(new SharedArrayBuffer(4));
    this.#worker = new Worker(new URL('./metronome-thread.js', import.meta.url), {
      workerData: { periodNs: Math.round(periodMs * 1e6), stop: this.#stop },
    });
    this.#worker.on('message', onBeat);
  }

  /** Ends the thread. */
  async stop(): Promise<void> {
    const ended = once(this.#worker, 'exit');
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
    await ended;
  }
}
