/**
 * The leader crashes at each step of an order's path: each time there is one order, one number and one stock
 * movement.
 */
import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CRASHING_REPLICA, CRASH_STEPS, crashFile, crashLeaderAt } from './crash-point.js';
import { TestCluster, orderNumberOf, parseBookRows, waitUntil } from './test-cluster.js';

const test = suite('order path');
let orders = 0;
let dataDir = '';

const testCluster = TestCluster.forSuite(test, {
  programs: { replica: CRASHING_REPLICA },
  prepare: (folder) => {
    dataDir = folder;
    return () => undefined;
  },
  env: () => ({ TRIREME_CRASH_FILE: crashFile(dataDir) }),
});

for (const step of CRASH_STEPS) {
  test(`leader killed when an order is ${step}: one order, one number, one stock movement`, async () => {
    const before = await testCluster().quantity('AAPL');
    const leader = await testCluster().cluster.leaderName();
    assert.ok(leader !== null, 'a leader is known');
    const died = new Promise<string>((resolve) =>
      testCluster().cluster.once('exit', ({ name }) => resolve(name)),
    );
    crashLeaderAt(dataDir, step);

    const answer = await testCluster().order('buy', 'AAPL', 2, `key-${step}`);
    assert.is(await died, leader, 'the leader crashed');
    assert.not(existsSync(crashFile(dataDir)), 'it crashed at the step');
    assert.is(answer.status, 200, answer.text);
    orders += 1;
    assert.is(orderNumberOf(answer), orders, 'order numbers have no gaps');

    const retry = await testCluster().order('buy', 'AAPL', 2, `key-${step}`);
    assert.is(orderNumberOf(retry), orders, 'the same key returns the same number');
    assert.is(await testCluster().quantity('AAPL'), before - 2, 'stock moved once');
    const read = await testCluster().request('GET', `/orders/${orders}`);
    assert.is(read.status, 200, 'an acknowledged order is never missing');

    await testCluster().cluster.startProcess(leader);
    await testCluster().cluster.awaitProcessReady(leader);
    await waitUntil('the book has one line for each order', async () => {
      return parseBookRows(await testCluster().waitForEqualBooks()).length === orders;
    });
  });
}

test.run();
