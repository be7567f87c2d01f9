/** Rules hold under 200 seeds of faults. Runs alone, as it takes all cores: under a minute on two of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runSeeds } from './run/pool.js';
import { Totals } from './run/totals.js';

const WORKER = fileURLToPath(new URL('run/worker.js', import.meta.url));

test('200 seeds with 60 seconds of faults each break no rule, and get work done', async () => {
  const totals = new Totals();
  const startedAt = performance.now();
  const broken = await runSeeds({
    worker: WORKER,
    jobs: availableParallelism(),
    from: 1,
    count: 200,
    seconds: 60,
    onResult: (result) => totals.add(result),
  });
  console.log(totals.lines(performance.now() - startedAt).join('\n'));
  assert.is(broken?.violation ?? null, null, `seed ${broken?.seed ?? 0}`);
  assert.is(totals.seeds, 200);
  assert.is(totals.gaveUp, 0, 'every history was searched to its end');
  assert.ok(totals.answered > 200 * 200, `${totals.answered} operations were answered`);
});

test.run();
