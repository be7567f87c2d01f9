/**
 * Detects stalls of the whole machine, as they occur on virtual machines; no process can answer during a
 * stall.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Stall } from '../rules/stalls.js';

/** Maximum number of recorded stalls. */
const STALLS_MAX = 10_000;

export class StallDetector {
  readonly #stopped: Int32Array;
  readonly #worker: Worker;
  readonly #stalls: Stall[] = [];

  private constructor(stopped: Int32Array, worker: Worker, now: () => number) {
    this.#stopped = stopped;
    this.#worker = worker;
    const originMs = now() - Number(process.hrtime.bigint()) / 1e6;
    worker.on('message', ([from, to]: readonly [bigint, bigint]) => {
      if (this.#stalls.length >= STALLS_MAX) return;
      this.#stalls.push({ fromMs: originMs + Number(from) / 1e6, toMs: originMs + Number(to) / 1e6 });
    });
  }

  /**
   * Starts the detection, and waits until it works.
   * @param now clock for the times of stalls, in milliseconds
   */
  static async start(now: () => number): Promise<StallDetector> {
    const stopped = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(new URL('./stall-thread.js', import.meta.url), { workerData: stopped });
    await once(worker, 'message');
    return new StallDetector(stopped, worker, now);
  }

  /** Stops the detection. @returns all stalls, sorted by time */
  async stop(): Promise<readonly Stall[]> {
    const ended = once(this.#worker, 'exit');
    Atomics.store(this.#stopped, 0, 1);
    Atomics.notify(this.#stopped, 0);
    await ended;
    return this.#stalls;
  }
}
