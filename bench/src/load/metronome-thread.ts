/** Thread of a metronome: sleeps until the next beat, to some tens of microseconds, and tells. */
import { parentPort, workerData } from 'node:worker_threads';

const { periodNs, stop } = workerData as { periodNs: number; stop: Int32Array };

let next = process.hrtime.bigint();
while (Atomics.load(stop, 0) === 0) {
  next += BigInt(periodNs);
  const waitMs = Number(next - process.hrtime.bigint()) / 1e6;
  if (waitMs > 0) Atomics.wait(stop, 0, 0, waitMs);
  // Late already: the beats that were missed are not made up for, one tells the same as many.
  else next = process.hrtime.bigint();
  parentPort?.postMessage(null);
}
