/**
 * Thread of a `StallWatch`: sleeps a little, over and over, and tells when it woke much too late. It does next to nothing
 * else, so that whatever keeps it waiting kept every process on the machine waiting.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { LATE_MS, SLEEP_MS } from '../rules/stalls.js';

const stopped = workerData as Int32Array;

let before = process.hrtime.bigint();
while (Atomics.load(stopped, 0) === 0) {
  Atomics.wait(stopped, 0, 0, SLEEP_MS);
  const now = process.hrtime.bigint();
  if (Number(now - before) / 1e6 > SLEEP_MS + LATE_MS) parentPort?.postMessage([before, now]);
  before = now;
}
