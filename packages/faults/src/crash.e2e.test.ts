/** Clients place orders while leaders are killed; a replica with a damaged log refuses to start. */
import { readFileSync, writeFileSync, statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runShoppers } from '@trireme/client';
import { STOCKS, TestCluster, parseBookRows, waitUntil, orderNumberOf } from './test-cluster.js';

const test = suite('crash');

const testCluster = TestCluster.forSuite(test, { frontends: 2 });

test('clients see no failed request and no mismatch while three leaders are killed', async () => {
  let isShopping = true;
  const shopping = runShoppers({
    urls: testCluster().cluster.urls,
    clients: 5,
    requests: 600,
    orderProbability: 0.8,
    seed: 7,
  }).finally(() => (isShopping = false));
  let killed = 0;
  for (; killed < 3; killed += 1) {
    const leader = await testCluster().cluster.leaderName();
    assert.ok(leader !== null);
    assert.ok(isShopping, 'orders are in flight when the leader is killed');
    await testCluster().cluster.kill(leader);
    await waitUntil('another replica leads', async () => {
      const next = await testCluster().cluster.leaderName();
      return next !== null && next !== leader;
    });
    await testCluster().cluster.startProcess(leader);
    await testCluster().cluster.awaitProcessReady(leader);
  }
  const report = await shopping;
  assert.equal([...report.failures], [], 'no failed request');
  assert.equal(report.mismatches, []);

  const rows = parseBookRows(await testCluster().waitForEqualBooks());
  assert.equal(
    rows.map(([number]) => number),
    rows.map((_, i) => i + 1),
    'order numbers have no gaps',
  );
  for (const stock of STOCKS) {
    const moved = rows
      .filter(([, name]) => name === stock)
      .reduce((sum, [, , type, quantity]) => sum + (type === 'sell' ? quantity : -quantity), 0);
    assert.is(await testCluster().quantity(stock), 100 + moved, stock);
  }
});

test('replica with a flipped bit in its log refuses to start and reports the damage; the others continue', async () => {
  const leader = await testCluster().cluster.leaderName();
  const victim = ['replica-1', 'replica-2', 'replica-3'].find((name) => name !== leader) ?? '';
  await testCluster().cluster.kill(victim, 'SIGTERM');
  const [largest = ''] = testCluster()
    .files(`${victim}/log`, /\.(log|ldb)$/)
    .sort((a, b) => statSync(b).size - statSync(a).size);
  const bytes = readFileSync(largest);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(largest, bytes);

  const exit = new Promise<{ code: number | null; reason: string | null }>((resolve) =>
    testCluster().cluster.once('exit', resolve),
  );
  await testCluster().cluster.startProcess(victim);
  const { code, reason } = await exit;
  assert.is(code, 65);

  assert.match(reason ?? '', /damaged|checksum|missing/);
  const answer = await testCluster().order('sell', 'AAPL', 1);
  assert.is(answer.status, 200);
  assert.is((await testCluster().request('GET', `/orders/${orderNumberOf(answer)}`)).status, 200);
});

test.run();
