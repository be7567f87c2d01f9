/** A few seeds violate no check; `npm run sim` runs more of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fileURLToPath } from 'node:url';
import { resultOfCrash } from './run/crashed.js';
import { runSeeds } from './run/pool.js';
import { RunTotals } from './run/totals.js';

const WORKER = fileURLToPath(new URL('run/worker.js', import.meta.url));

const SEEDS = 80;

test(`${SEEDS} seeds with 60 seconds of faults each violate no check and complete operations`, async () => {
  const totals = new RunTotals();
  const startedAt = performance.now();
  const broken = await runSeeds({
    crashed: resultOfCrash,
    worker: WORKER,
    // Other test files run at the same time.
    jobs: 1,
    from: 1,
    count: SEEDS,
    seconds: 60,
    onResult: (result) => totals.add(result),
  });
  console.log(totals.lines(performance.now() - startedAt).join('\n'));
  assert.is(broken?.violation ?? null, null, `seed ${broken?.seed ?? 0}`);
  assert.is(totals.seeds, SEEDS);
  assert.is(totals.gaveUp, 0, 'every history was searched completely');
  assert.ok(totals.answered > 200 * SEEDS, `${totals.answered} operations were answered`);
});

test.run();
