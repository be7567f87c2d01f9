/** The result of a run whose worker died or hung. */
import type { CheckFailure } from '@trireme/raft-sim';
import type { RunResult } from './simulate.js';

export function crashedRun(seed: number, violation: CheckFailure): RunResult {
  const counts = { events: 0, virtualSeconds: 0, batches: 0, undecided: 0 };
  return { seed, hash: '', ...counts, answers: {}, processEvents: {}, faults: {}, violation };
}
