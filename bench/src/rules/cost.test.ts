import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  costPerRequest,
  frontendsNeeded,
  medianRuns,
  totalCpuUs,
  findBottlenecks,
  type Cost,
  type CostKind,
  type CostRun,
} from './cost.js';
import { accuracyTable, costPage, cpuCostTable, diskCostTable } from './cost-page.js';

const cost = (cpuUs: number): Cost => ({ cpuUs, diskBytes: 10 * cpuUs, syncs: cpuUs / 100 });

function run(kind: CostKind, replicas: number, frontends: number, scale = 1): CostRun {
  return {
    kind,
    replicas,
    frontends,
    perSecond: 5_000 * scale,
    generatorUs: 10 * scale,
    failed: 1,
    costs: {
      'front-ends': { cpuUs: 50 * scale, diskBytes: null, syncs: null },
      leader: cost(40 * scale),
      ...(replicas === 1 ? {} : { 'each follower': cost(20 * scale) }),
      'each catalog': cost(5 * scale),
    },
  };
}

test('costPerRequest sums the processes and divides by the requests; a value that no process has is null', () => {
  const used = [
    { cpuSeconds: 0.2, diskBytes: 1000, syncs: null },
    { cpuSeconds: 0.3, diskBytes: null, syncs: null },
  ];
  assert.equal(costPerRequest(used, 1000), { cpuUs: 500, diskBytes: 1, syncs: null });
});

test('medianRuns takes medians per shape and kind, and sums failures', () => {
  const runs = medianRuns([
    run('order', 3, 1, 1),
    run('order', 1, 1, 1),
    run('order', 3, 1, 3),
    run('order', 3, 1, 2),
    run('cached look-up', 3, 1, 1),
  ]);
  assert.equal(
    runs.map(({ kind, replicas, perSecond, failed }) => [kind, replicas, perSecond, failed]),
    [
      ['order', 3, 10_000, 3],
      ['order', 1, 5_000, 1],
      ['cached look-up', 3, 5_000, 1],
    ],
  );
  assert.equal(runs[0]?.costs, run('order', 3, 1, 2).costs);
  assert.is(runs[1]?.costs['each follower'], undefined);
});

test('totalCpuUs counts every follower', () => {
  assert.is(totalCpuUs(run('order', 1, 1)), 100);
  assert.is(totalCpuUs(run('order', 5, 1)), 180);
});

test('findBottlenecks lists bottlenecks by rate, without roles of negligible cost', () => {
  const order = run('order', 3, 1);
  const small = findBottlenecks(order, { cores: 2, frontends: 1, otherUs: 60 });
  assert.equal(small[0], { what: 'all cores', perSecond: 10_000 });
  assert.equal(
    findBottlenecks(order, { cores: 24, frontends: 1 }).map(({ what, perSecond }) => `${what}: ${perSecond}`),
    [
      'front-end thread: 20000',
      'leader thread: 25000',
      'follower thread: 50000',
      `all cores: ${24e6 / 140}`,
      'catalog thread: 200000',
    ],
  );
  const lookup: CostRun = { ...order, costs: { 'front-ends': cost(20), 'each catalog': cost(0.3) } };
  assert.is(findBottlenecks(lookup, { cores: 24, frontends: 2 }).length, 2);
});

test('frontendsNeeded adds front-ends until another role is the bottleneck, at most one per core', () => {
  assert.is(frontendsNeeded(run('order', 3, 1), 24), 2);
  const lookup: CostRun = { ...run('order', 3, 1), costs: { 'front-ends': cost(20) } };
  assert.is(frontendsNeeded(lookup, 4), 4);
});

test('cost page shows every shape, the accuracy of the model, and a prediction from three replicas with the most front-ends', () => {
  const runs = [run('order', 1, 1), run('order', 3, 1), run('order', 3, 3, 0.5), run('cached look-up', 1, 1)];
  const rowOf = (table: { rows: readonly (readonly unknown[])[] }): readonly unknown[] | undefined =>
    table.rows[0];
  assert.equal(rowOf(cpuCostTable(runs)), ['1 / 1', '5,000', '50.0', '40.0', null, '5.00', '100', '10.0']);
  assert.equal(rowOf(diskCostTable(runs)), ['1 / 1', '0.400', null, '400', null]);
  assert.equal(rowOf(accuracyTable(runs, 2)), ['order', '1 / 1', '18,200', '5,000', '0.275', 'all cores']);
  const page = costPage({
    machine: 'a machine',
    command: 'npm run bench -- cost',
    cores: 2,
    tool: 'wrk',
    connections: 64,
    seconds: 4,
    repetitions: 1,
    runs,
  });
  assert.match(page, 'was measured once, interleaved,');
  assert.match(page, 'Failed requests: 4');
  assert.match(page, '**leader thread**');
  assert.match(page, '| leader thread | 50,000 |');
  assert.match(page, 'Not measured with 3 replicas.');
});

test.run();
