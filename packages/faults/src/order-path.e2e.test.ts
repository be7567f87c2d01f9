/** The leader dies at each step of an order's path: one order, one stock movement, one number each time. */
import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CRASHING_REPLICA, crashFile, dieAt } from './crash-point.js';
import { CRASH_STEPS } from './crash-steps.js';
import { Stage, numberOf, rowsOf, until } from './stage.js';

const test = suite('order path');
let orders = 0;
let dataDir = '';

const stage = Stage.of(test, {
  programs: { replica: CRASHING_REPLICA },
  prepare: (folder) => {
    dataDir = folder;
    return () => undefined;
  },
  env: () => ({ TRIREME_CRASH_FILE: crashFile(dataDir) }),
});

for (const step of CRASH_STEPS) {
  test(`the leader is killed once an order is ${step}: one order, one movement, one number`, async () => {
    const before = await stage().quantity('AAPL');
    const leader = await stage().cluster.leader();
    assert.ok(leader !== null, 'a leader is known');
    const died = new Promise<string>((resolve) => stage().cluster.once('exit', ({ name }) => resolve(name)));
    dieAt(dataDir, step);

    const answer = await stage().order('buy', 'AAPL', 2, `key-${step}`);
    assert.is(await died, leader, 'it is the leader that died');
    assert.not(existsSync(crashFile(dataDir)), 'it died at the step');
    assert.is(answer.status, 200, answer.text);
    orders += 1;
    assert.is(numberOf(answer), orders, 'numbers are dense');

    const again = await stage().order('buy', 'AAPL', 2, `key-${step}`);
    assert.is(numberOf(again), orders, 'the same key tells the same number');
    assert.is(await stage().quantity('AAPL'), before - 2, 'stock moved once');
    const read = await stage().request('GET', `/orders/${orders}`);
    assert.is(read.status, 200, 'an acknowledged order is never missing');

    await stage().cluster.startProcess(leader);
    await stage().cluster.waitProcessReady(leader);
    await until('the book has one line for each order', async () => {
      return rowsOf(await stage().agreedBook()).length === orders;
    });
  });
}

test.run();
