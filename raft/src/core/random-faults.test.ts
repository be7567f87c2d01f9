/**
 * Random runs: safety after every step, progress after the faults end. A failure prints its seed, which repeats
 * the run.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RandomFaultRun } from './testing/random-faults.js';

const SEEDS = 40;
const STEPS = 3_000;

for (const size of [3, 5]) {
  test(`${size} members, ${SEEDS} seeds: the properties of figure 3 hold under faults, and a healed cluster makes progress`, () => {
    let committed = 0;
    let installs = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const chaos = new RandomFaultRun(seed, size);
      try {
        for (let step = 0; step < STEPS; step += 1) chaos.step();
        committed += chaos.committed;
        chaos.recover();
        installs += chaos.installs;
      } catch (error) {
        throw new Error(`seed ${seed} of ${size} members: ${String(error)}`, { cause: error });
      }
    }
    assert.ok(committed > 10 * SEEDS, `only ${committed} entries were committed under faults in all runs`);
    assert.ok(installs > SEEDS / 2, `only ${installs} snapshots were installed in all runs`);
  });
}

test(`membership changes, ${SEEDS} seeds: the same is true while several members are added and removed at once`, () => {
  let changes = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const chaos = new RandomFaultRun(seed, 3, 2);
    try {
      for (let step = 0; step < 2 * STEPS; step += 1) chaos.step();
      changes += chaos.changes;
      chaos.recover();
    } catch (error) {
      throw new Error(`seed ${seed} with membership changes: ${String(error)}`, { cause: error });
    }
  }
  assert.ok(changes > 4 * SEEDS, `only ${changes} configurations were committed in all runs`);
});

test.run();
