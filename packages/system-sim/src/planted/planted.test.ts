/** The table matches the code, and a planted bug is found by the expected check. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkMatchesOnce, runSeeds } from '@trireme/raft-sim';
import { crashedRun } from '../simulate.js';
import { PLANTED_BUGS } from './bugs.js';
import { createSystemMutant } from './command.js';

test('every row of the table matches the compiled code exactly once', () => {
  for (const bug of PLANTED_BUGS) checkMatchesOnce(bug);
  assert.ok(PLANTED_BUGS.length >= 15);
  assert.is(new Set(PLANTED_BUGS.map(({ name }) => name)).size, PLANTED_BUGS.length);
});

test('planted bug "order acknowledged when it is decided" is found by the check "no stale reads"', async () => {
  const bug = PLANTED_BUGS.find(({ name }) => name.startsWith('order acknowledged when it is decided'));
  if (bug === undefined)
    throw new Error('no planted bug starts with "order acknowledged when it is decided"');
  const mutant = createSystemMutant(bug);
  try {
    const options = { worker: mutant.worker, jobs: 1, from: 1, count: 10, seconds: 2 };
    const found = await runSeeds({ ...options, onResult: () => undefined, crashed: crashedRun });
    assert.is(found?.violation?.check, 'no stale reads');
  } finally {
    mutant.dispose();
  }
});

test.run();
