/** Rules hold under a few seeds of faults; `npm run sim` plays as many as you like. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fileURLToPath } from 'node:url';
import { crashedRun } from './run/crashed.js';
import { runSeeds } from './run/pool.js';
import { Totals } from './run/totals.js';

const WORKER = fileURLToPath(new URL('run/worker.js', import.meta.url));

const SEEDS = 80;

test(`${SEEDS} seeds with 60 seconds of faults each break no rule, and get work done`, async () => {
  const totals = new Totals();
  const startedAt = performance.now();
  const broken = await runSeeds({
    crashed: crashedRun,
    worker: WORKER,
    // Other test files run beside this one.
    jobs: 1,
    from: 1,
    count: SEEDS,
    seconds: 60,
    onResult: (result) => totals.add(result),
  });
  console.log(totals.lines(performance.now() - startedAt).join('\n'));
  assert.is(broken?.violation ?? null, null, `seed ${broken?.seed ?? 0}`);
  assert.is(totals.seeds, SEEDS);
  assert.is(totals.gaveUp, 0, 'every history was searched to its end');
  assert.ok(totals.answered > 200 * SEEDS, `${totals.answered} operations were answered`);
});

test.run();
