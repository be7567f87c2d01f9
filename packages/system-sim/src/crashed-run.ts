/** What a run counts as whose worker died or hung. */
import type { SeedViolation } from '@trireme/raft/sim';
import type { RunResult } from './simulate.js';

export function crashedRun(seed: number, violation: SeedViolation): RunResult {
  const nothing = { events: 0, virtualSeconds: 0, batches: 0, undecided: 0 };
  return { seed, hash: '', ...nothing, answers: {}, happened: {}, faults: {}, violation };
}
