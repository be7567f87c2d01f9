import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runClosedLoop } from './closed-loop.js';
import { startCluster } from './cluster.js';
import { median, percentile, summarize, formatTable } from './report.js';

test('percentile returns the nearest rank, and median the middle', () => {
  const values = new Float64Array([1, 2, 3, 4]);
  assert.equal(
    [0, 0.25, 0.26, 0.5, 0.99, 1].map((share) => percentile(values, share)),
    [1, 1, 2, 2, 4, 4],
  );
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([4, 1, 2, 3]), 2.5);
  assert.throws(() => percentile(new Float64Array(), 0.5), RangeError);
  assert.throws(() => median([]), RangeError);
});

test('rowOf returns the medians of its rounds, and table aligns them', () => {
  const round = (rate: number, ms: number): { rate: number; latenciesMs: Float64Array } => ({
    rate,
    latenciesMs: new Float64Array([ms, ms + 1]),
  });
  const load = { payloadBytes: 128, inFlight: 64 };
  const row = summarize(load, [round(1_000, 3), round(3_000, 1), round(2_000, 2)]);
  assert.equal(row, {
    ...load,
    ...{ rounds: 3, rate: 2_000, rateMin: 1_000, rateMax: 3_000 },
    ...{ p50Ms: 2, p95Ms: 3, p99Ms: 3, maxMs: 3 },
  });
  assert.fixture(
    formatTable([row]),
    [
      '| payload | in flight | proposals/s |   (min to max) | p50 ms | p95 ms | p99 ms | max ms |',
      '| ------: | --------: | ----------: | -------------: | -----: | -----: | -----: | -----: |',
      '|   128 B |        64 |       2,000 | 1,000 to 3,000 |   2.00 |   3.00 |   3.00 |   3.00 |',
    ].join('\n'),
  );
});

test('runClosedLoop counts only proposals that the leader has applied', async () => {
  const cluster = await startCluster();
  try {
    const before = cluster.leader.machine.applied;
    const load = { payloadBytes: 128, inFlight: 8, seconds: 0.2 };
    const { rate, latenciesMs } = await runClosedLoop(cluster.leader, load);
    assert.ok(latenciesMs.length > 0);
    assert.is(rate, latenciesMs.length / load.seconds);
    // The proposals in flight at the end are applied as well, but not counted.
    assert.is(cluster.leader.machine.applied - before, latenciesMs.length + load.inFlight);
  } finally {
    await cluster.stop();
  }
});

test.run();
