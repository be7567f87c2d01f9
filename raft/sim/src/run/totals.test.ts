/** The summary of many runs. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunResult } from '../simulate.js';
import { RunTotals } from './totals.js';

const RESULT: RunResult = {
  seed: 1,
  hash: '',
  events: 40_000,
  virtualSeconds: 72,
  committed: 500,
  elections: 12,
  operations: { changes: 300, reads: 200, leaseReads: 40, followerReads: 50, unknown: 3 },
  snapshots: { compacted: 9, snapshotSent: 2, snapshotFailed: 1, snapshotInstalled: 2 },
  membershipChanges: { done: 4, NOT_LEADER: 1 },
  committedConfigurations: 6,
  faults: { crash: 5, 'slow disk': 2 },
  undecided: 0,
  violation: null,
};

test('lines: sums of hours, events, operations, snapshots, membership changes, faults and violations', () => {
  const totals = new RunTotals();
  totals.add(RESULT);
  totals.add({
    ...RESULT,
    membershipChanges: { CHANGE_PENDING: 2 },
    faults: { crash: 1 },
    violation: { check: 'progress', what: '', at: 0 },
  });
  assert.is(totals.answered, 1_000);
  assert.match(totals.progress(4_000), /^2 seeds, 0\.04 virtual hours, 0\.5 seeds per second$/);
  const lines = totals.lines(4_000).map((line) => line.replace(/ +/g, ' '));
  assert.equal(lines, [
    'seeds 2 (0.5 per second)',
    'virtual hours 0.04 (0.6 per minute)',
    'events 80000',
    'terms with a leader 24',
    'entries committed 1000',
    'operations answered 1000: 600 changes, 400 reads',
    ' (at followers 100, with leases 80); 6 of unknown outcome',
    'logs compacted 18',
    'snapshots installed 4; sent 4, failed 2',
    'membership changes 4 done; NOT_LEADER 1, CHANGE_PENDING 2; configurations committed 12',
    'histories undecided 0',
    'faults 8',
    ' crash 6',
    ' slow disk 2',
    'wall time 4.0 s',
    'violations 1',
  ]);
});

test.run();
