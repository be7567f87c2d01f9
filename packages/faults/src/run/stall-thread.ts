/**
 * Thread of a `StallDetector`: posts a message when it starts, sleeps for short times, and posts a message when it
 * wakes up much too late. The thread is otherwise idle, so a late wake-up means that the whole machine was stalled.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { STALL_MS_MIN, STALL_POLL_MS } from '../rules/stalls.js';

const stopped = workerData as Int32Array;

let before = process.hrtime.bigint();
parentPort?.postMessage(null);
while (Atomics.load(stopped, 0) === 0) {
  Atomics.wait(stopped, 0, 0, STALL_POLL_MS);
  const now = process.hrtime.bigint();
  if (Number(now - before) / 1e6 > STALL_POLL_MS + STALL_MS_MIN) parentPort?.postMessage([before, now]);
  before = now;
}
