/** What a run counts as whose worker died or hung. */
import type { RunResult } from '../simulate.js';

export function crashedRun(seed: number, violation: NonNullable<RunResult['violation']>): RunResult {
  return {
    seed,
    hash: '',
    events: 0,
    virtualSeconds: 0,
    committed: 0,
    elections: 0,
    operations: { changes: 0, reads: 0, leaseReads: 0, followerReads: 0, unknown: 0 },
    snapshots: {},
    reconfigurations: {},
    configurations: 0,
    faults: {},
    gaveUp: 0,
    violation,
  };
}
