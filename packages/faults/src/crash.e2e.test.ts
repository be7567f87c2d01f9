/** Shoppers go on while leaders die, and a replica with a damaged log refuses to start. */
import { readFileSync, writeFileSync, statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shop } from '@trireme/client';
import { Stage, rowsOf, until, numberOf } from './stage.js';

const STOCKS = [
  'GameStart',
  'RottenFishCo',
  'BoarCo',
  'MenhirCo',
  'AAPL',
  'AMZN',
  'GOOGL',
  'META',
  'NVDA',
  'NFLX',
];
const test = suite('crash');

const stage = Stage.of(test, { frontends: 2 });

test('shoppers see no failed request and no mismatch while three leaders are killed', async () => {
  let isShopping = true;
  const shopping = shop({
    urls: stage().cluster.urls,
    clients: 5,
    requests: 600,
    orderProbability: 0.8,
    seed: 7,
  }).finally(() => (isShopping = false));
  let killed = 0;
  for (; killed < 3; killed += 1) {
    const leader = await stage().cluster.leader();
    assert.ok(leader !== null);
    assert.ok(isShopping, 'there are orders under way when the leader dies');
    await stage().cluster.kill(leader);
    await until('another one leads', async () => {
      const next = await stage().cluster.leader();
      return next !== null && next !== leader;
    });
    await stage().cluster.startProcess(leader);
    await stage().cluster.waitProcessReady(leader);
  }
  const report = await shopping;
  assert.equal([...report.failures], [], 'no failed request');
  assert.equal(report.mismatches, []);

  const rows = rowsOf(await stage().agreedBook());
  assert.equal(
    rows.map(([number]) => number),
    rows.map((_, i) => i + 1),
    'numbers are dense',
  );
  for (const stock of STOCKS) {
    const moved = rows
      .filter(([, name]) => name === stock)
      .reduce((sum, [, , type, quantity]) => sum + (type === 'sell' ? quantity : -quantity), 0);
    assert.is(await stage().quantity(stock), 100 + moved, stock);
  }
});

test('a bit flipped in the log of a stopped replica: it refuses to start and says so, the others go on', async () => {
  const leader = await stage().cluster.leader();
  const victim = ['replica-1', 'replica-2', 'replica-3'].find((name) => name !== leader) ?? '';
  await stage().cluster.kill(victim, 'SIGTERM');
  const [largest = ''] = stage()
    .files(`${victim}/log`, /\.(log|ldb)$/)
    .sort((a, b) => statSync(b).size - statSync(a).size);
  const bytes = readFileSync(largest);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(largest, bytes);

  const exit = new Promise<{ code: number | null; reason: string | null }>((resolve) =>
    stage().cluster.once('exit', resolve),
  );
  await stage().cluster.startProcess(victim);
  const { code, reason } = await exit;
  assert.is(code, 65);

  assert.match(reason ?? '', /damaged|checksum|missing/);
  const answer = await stage().order('sell', 'AAPL', 1);
  assert.is(answer.status, 200);
  assert.is((await stage().request('GET', `/orders/${numberOf(answer)}`)).status, 200);
});

test.run();
