/** Thread of a metronome: sleeps until the next beat, to some tens of microseconds, and tells. */
import { parentPort, workerData } from 'node:worker_threads';
import { STOPPED, UNHEARD, type MetronomeData } from './metronome-data.js';

const { periodNs, shared } = workerData as MetronomeData;

let next = process.hrtime.bigint();
while (Atomics.load(shared, STOPPED) === 0) {
  next += BigInt(periodNs);
  const waitMs = Number(next - process.hrtime.bigint()) / 1e6;
  if (waitMs > 0) Atomics.wait(shared, STOPPED, 0, waitMs);
  // Late already: the beats that were missed are not made up for, one tells the same as many.
  else next = process.hrtime.bigint();
  // At most one beat is on its way: a listener that cannot keep up finds no heap of them.
  if (Atomics.exchange(shared, UNHEARD, 1) === 0) parentPort?.postMessage(null);
}
