/** Runs violate no check, are deterministic, and cover the behaviour of clients and caches. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { simulate, type RunResult } from './simulate.js';

const SECONDS = 1;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

const results: RunResult[] = [];

test('simulate: runs with faults violate no check', async () => {
  for (const seed of SEEDS) {
    const result = await simulate({ seed, seconds: SECONDS });
    assert.is(result.violation, null, `seed ${seed}: ${JSON.stringify(result.violation)}`);
    results.push(result);
  }
});

test('simulate: clients order, read and look up, and caches answer', () => {
  const sum = (what: string, of: 'answers' | 'processEvents'): number =>
    results.reduce((total, result) => total + (result[of][what] ?? 0), 0);
  for (const what of ['buy', 'sell', 'look-up', 'order read', 'list of orders', 'list of stocks'])
    assert.ok(sum(what, 'answers') > 0, what);
  for (const what of ['look-ups by cache', 'look-ups by catalog', 'leaders', 'catalog: authorized'])
    assert.ok(sum(what, 'processEvents') > 0, what);
  assert.ok(results.some(({ faults }) => Object.keys(faults).length > 0));
});

test('simulate: the same seed gives the same run, traced or not; another seed gives another run', async () => {
  const [first, second] = results;
  const lines: string[] = [];
  const traced = await simulate({ seed: 1, seconds: SECONDS, sink: (line) => lines.push(line) });
  assert.equal(traced, first);
  assert.is.not(second?.hash, first?.hash);
  assert.ok(lines.length > 1_000, `${lines.length} lines`);
});

test.run();
