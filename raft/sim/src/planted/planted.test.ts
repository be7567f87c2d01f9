/** The table fits the code, and a planted bug is found by the check that it breaks. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { existsSync } from 'node:fs';
import { crashedRun } from '../run/crashed.js';
import { runSeeds } from '../run/pool.js';
import { checkFits, mutate, plant } from './mutant.js';
import { MUTATIONS } from './mutations.js';

test('every row of the table fits the compiled code, once', () => {
  for (const mutation of MUTATIONS) checkFits(mutation);
  assert.ok(MUTATIONS.length >= 16);
  assert.is(new Set(MUTATIONS.map(({ name }) => name)).size, MUTATIONS.length);
});

test('a text that occurs never or twice is refused', () => {
  const mutation = { name: 'bug', file: 'a.js', find: 'x = 1', replace: 'x = 2' };
  assert.is(mutate('let x = 1;', mutation), 'let x = 2;');
  assert.throws(() => mutate('let y;', mutation), /occurs 0 times in a\.js/);
  assert.throws(() => mutate('x = 1; x = 1', mutation), /occurs 2 times in a\.js/);
});

for (const [words, check] of [
  ['append response before the sync', 'acknowledged is durable'],
  ['session dedupe dropped', 'linearizability'],
  ['snapshot without sessions', 'equal books'],
  ['learner counted in a majority', 'commit by a quorum'],
] as const) {
  test(`planted: ${words} is found by: ${check}`, async () => {
    const mutation = MUTATIONS.find(({ name }) => name.startsWith(words));
    if (mutation === undefined) throw new Error(`no row ${words}`);
    const mutant = plant(mutation);
    try {
      const { worker } = mutant;
      const options = {
        worker,
        jobs: 1,
        from: 1,
        count: 30,
        seconds: 60,
        onResult: () => undefined,
        crashed: crashedRun,
      };
      const found = await runSeeds(options);
      assert.is(found?.violation?.check, check);
    } finally {
      mutant.dispose();
    }
    assert.not.ok(existsSync(mutant.worker));
  });
}

test.run();
