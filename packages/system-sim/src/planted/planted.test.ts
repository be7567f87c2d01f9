/** The table fits the code, and a planted bug is found by the check that it breaks. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runSeeds } from '@trireme/raft/sim';
import { crashedRun } from '../crashed-run.js';
import { PLANTED_BUGS } from './bugs.js';
import { checkFits, plant } from './mutant.js';

test('every row of the table fits the compiled code, once', () => {
  for (const bug of PLANTED_BUGS) checkFits(bug);
  assert.ok(PLANTED_BUGS.length >= 15);
  assert.is(new Set(PLANTED_BUGS.map(({ name }) => name)).size, PLANTED_BUGS.length);
});

test('planted: an order that is answered before it is visible is found', async () => {
  const bug = PLANTED_BUGS.find(({ name }) => name.startsWith('order answered once it is decided'));
  if (bug === undefined) throw new Error('there is no such row');
  const mutant = plant(bug);
  try {
    const options = { worker: mutant.worker, jobs: 1, from: 1, count: 10, seconds: 2 };
    const found = await runSeeds({ ...options, onResult: () => undefined, crashed: crashedRun });
    assert.is(found?.violation?.check, 'nothing old is shown');
  } finally {
    mutant.dispose();
  }
});

test.run();
