/** The table matches the code, and planted bugs are found by the expected checks. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { existsSync } from 'node:fs';
import { resultOfCrash } from '../run/crashed.js';
import { runSeeds } from '../run/pool.js';
import { checkMatchesOnce, applyMutation, createMutant } from './mutant.js';
import { MUTATIONS } from './mutations.js';

test('every row of the table matches the compiled code exactly once', () => {
  for (const mutation of MUTATIONS) checkMatchesOnce(mutation);
  assert.ok(MUTATIONS.length >= 16);
  assert.is(new Set(MUTATIONS.map(({ name }) => name)).size, MUTATIONS.length);
});

test('mutate: throws if the text does not occur or occurs twice', () => {
  const mutation = { name: 'bug', file: 'a.js', find: 'x = 1', replace: 'x = 2' };
  assert.is(applyMutation('let x = 1;', mutation), 'let x = 2;');
  assert.throws(() => applyMutation('let y;', mutation), /occurs 0 times in a\.js/);
  assert.throws(() => applyMutation('x = 1; x = 1', mutation), /occurs 2 times in a\.js/);
});

for (const [words, check] of [
  ['append response before the sync', 'acknowledged entries are durable'],
  ['no deduplication by session', 'linearizability'],
  ['snapshot without sessions', 'equal states'],
  ['learner counted in a majority', 'commit by a quorum'],
] as const) {
  test(`planted bug "${words}" is found by the check "${check}"`, async () => {
    const mutation = MUTATIONS.find(({ name }) => name.startsWith(words));
    if (mutation === undefined) throw new Error(`no planted bug starts with "${words}"`);
    const mutant = createMutant(mutation);
    try {
      const { worker } = mutant;
      const options = {
        worker,
        jobs: 1,
        from: 1,
        count: 30,
        seconds: 60,
        onResult: () => undefined,
        crashed: resultOfCrash,
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
