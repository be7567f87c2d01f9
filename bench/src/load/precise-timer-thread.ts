/**
 * Thread of a metronome: sleeps until the next tick, accurate to some tens of microseconds, and posts a
 * message.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { STOPPED, PENDING, type PreciseTimerData } from './precise-timer-data.js';

const { periodNs, shared } = workerData as PreciseTimerData;

let next = process.hrtime.bigint();
while (Atomics.load(shared, STOPPED) === 0) {
  next += BigInt(periodNs);
  const waitMs = Number(next - process.hrtime.bigint()) / 1e6;
  if (waitMs > 0) Atomics.wait(shared, STOPPED, 0, waitMs);
  // Missed ticks are skipped, not made up for.
  else next = process.hrtime.bigint();
  // At most one tick is in flight, so a slow listener gets no backlog.
  if (Atomics.exchange(shared, PENDING, 1) === 0) parentPort?.postMessage(null);
}
