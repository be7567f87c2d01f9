/** What many runs add up to. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunResult } from '../simulate.js';
import { Totals } from './totals.js';

const RESULT: RunResult = {
  seed: 1,
  hash: '',
  events: 40_000,
  virtualSeconds: 72,
  committed: 500,
  elections: 12,
  operations: { changes: 300, reads: 200, leaseReads: 40, followerReads: 50, unknown: 3 },
  snapshots: { compacted: 9, snapshotSent: 2, snapshotFailed: 1, snapshotInstalled: 2 },
  reconfigurations: { done: 4, NOT_LEADER: 1 },
  configurations: 6,
  faults: { crash: 5, 'slow disk': 2 },
  gaveUp: 0,
  violation: null,
};

test('the summary says hours, events, operations, snapshots, changes, faults by kind, wall time and violations', () => {
  const totals = new Totals();
  totals.add(RESULT);
  totals.add({
    ...RESULT,
    reconfigurations: { CHANGE_PENDING: 2 },
    faults: { crash: 1 },
    violation: { check: 'progress', what: '', at: 0 },
  });
  assert.is(totals.answered, 1_000);
  assert.match(totals.progress(4_000), /^2 seeds, 0\.04 simulated hours, 0\.5 seeds a second$/);
  const lines = totals.lines(4_000).map((line) => line.replace(/ +/g, ' '));
  assert.equal(lines, [
    'seeds 2 (0.5 a second)',
    'simulated hours 0.04 (0.6 a minute)',
    'events 80000',
    'terms with a leader 24',
    'entries committed 1000',
    'operations answered 1000: 600 changes, 400 reads',
    ' (at followers 100, with leases 80); of unknown outcome 6',
    'logs compacted 18',
    'snapshots installed 4; taken 4, given up 2',
    'membership changes 4 done; NOT_LEADER 1, CHANGE_PENDING 2; configurations committed 12',
    'histories given up 0',
    'faults 8',
    ' crash 6',
    ' slow disk 2',
    'wall time 4.0 s',
    'violations 1',
  ]);
});

test.run();
