import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  costOf,
  frontendsNeeded,
  medianRuns,
  totalCpuUs,
  wallsOf,
  type Cost,
  type CostKind,
  type CostRun,
} from './cost.js';
import { checkTable, costPage, cpuCostTable, diskCostTable } from './cost-page.js';

const cost = (cpuUs: number): Cost => ({ cpuUs, diskBytes: 10 * cpuUs, syncs: cpuUs / 100 });

function run(kind: CostKind, replicas: number, frontends: number, scale = 1): CostRun {
  return {
    ...{ kind, replicas, frontends, perSecond: 5_000 * scale, generatorUs: 10 * scale, failed: 1 },
    costs: {
      'front-ends': { cpuUs: 50 * scale, diskBytes: null, syncs: null },
      leader: cost(40 * scale),
      ...(replicas === 1 ? {} : { 'each follower': cost(20 * scale) }),
      'each catalog': cost(5 * scale),
    },
  };
}

test('the cost of a request: what several processes used, over the requests; what none tells is not known', () => {
  const used = [
    { cpuSeconds: 0.2, diskBytes: 1000, syncs: null },
    { cpuSeconds: 0.3, diskBytes: null, syncs: null },
  ];
  assert.equal(costOf(used, 1000), { cpuUs: 500, diskBytes: 1, syncs: null });
});

test('medians over the repetitions of a shape and kind; failures add up', () => {
  const runs = medianRuns([
    ...[run('order', 3, 1, 1), run('order', 1, 1, 1), run('order', 3, 1, 3)],
    ...[run('order', 3, 1, 2), run('cached look-up', 3, 1, 1)],
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

test('all processes: every follower counts', () => {
  assert.is(totalCpuUs(run('order', 1, 1)), 100);
  assert.is(totalCpuUs(run('order', 5, 1)), 180);
});

test('the first wall is the narrowest: cores, then threads; what a request hardly touches is none', () => {
  const order = run('order', 3, 1);
  const small = wallsOf(order, { cores: 2, frontends: 1, otherUs: 60 });
  assert.equal(small[0], { what: 'all cores', perSecond: 10_000 });
  assert.equal(
    wallsOf(order, { cores: 24, frontends: 1 }).map(({ what, perSecond }) => `${what}: ${perSecond}`),
    [
      'the thread of the front-end: 20000',
      'the thread of the leader: 25000',
      'the thread of each follower: 50000',
      `all cores: ${24e6 / 140}`,
      'the thread of each catalog: 200000',
    ],
  );
  const lookup: CostRun = { ...order, costs: { 'front-ends': cost(20), 'each catalog': cost(0.3) } };
  assert.is(wallsOf(lookup, { cores: 24, frontends: 2 }).length, 2);
});

test('as many front-ends as it takes for something else to be the first wall', () => {
  assert.is(frontendsNeeded(run('order', 3, 1), 24), 2);
  const lookup: CostRun = { ...run('order', 3, 1), costs: { 'front-ends': cost(20) } };
  assert.is(frontendsNeeded(lookup, 4), 4);
});

test('the page has every shape, the check of the model, and the prediction by the most front-ends of three replicas', () => {
  const runs = [run('order', 1, 1), run('order', 3, 1), run('order', 3, 3, 0.5), run('cached look-up', 1, 1)];
  const rowOf = (table: { rows: readonly (readonly unknown[])[] }): readonly unknown[] | undefined =>
    table.rows[0];
  assert.equal(rowOf(cpuCostTable(runs)), ['1 / 1', '5,000', '50.0', '40.0', null, '5.00', '100', '10.0']);
  assert.equal(rowOf(diskCostTable(runs)), ['1 / 1', '0.400', null, '400', null]);
  assert.equal(rowOf(checkTable(runs, 2)), [...['order', '1 / 1', '18,200', '5,000', '0.275', 'all cores']]);
  const page = costPage({
    ...{ machine: 'a machine', command: 'npm run bench:cost', cores: 2 },
    ...{ connections: 64, seconds: 4, repetitions: 1, runs },
  });
  assert.match(page, 'in turns, once,');
  assert.match(page, 'refused or not answered: 4');
  assert.match(page, '**the thread of the leader**');
  assert.match(page, '| the thread of the leader | 50,000 |');
  assert.match(page, 'Not measured with 3 replicas.');
});

test.run();
