/** The result of a run whose worker died or hung. */
import type { RunResult } from '../simulate.js';

export function resultOfCrash(seed: number, violation: NonNullable<RunResult['violation']>): RunResult {
  return {
    seed,
    hash: '',
    events: 0,
    virtualSeconds: 0,
    committed: 0,
    elections: 0,
    operations: { changes: 0, reads: 0, leaseReads: 0, followerReads: 0, unknown: 0 },
    snapshots: {},
    membershipChanges: {},
    committedConfigurations: 0,
    faults: {},
    undecided: 0,
    violation,
  };
}
