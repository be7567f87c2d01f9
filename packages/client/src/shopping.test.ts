import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasNoFailures } from './rules/report.js';
import { runShoppers } from './shopping.js';
import { sendJson, FakeStore, sendError } from './testing/fake-store.js';

const SHOP = fileURLToPath(new URL('./shop.js', import.meta.url));

const test = suite<{ store: FakeStore }>('shopping');

test.before.each(async (context) => {
  context.store = new FakeStore();
  for (const name of ['A', 'B', 'C', 'D', 'E']) context.store.stocks.set(name, 10);
  await context.store.listen();
});

test.after.each(async ({ store }) => store.close());

const TRIP = { clients: 3, requests: 60, orderProbability: 0.8, seed: 5 };

test('counts every order and reads it back', async ({ store }) => {
  const report = await runShoppers({ ...TRIP, urls: [store.url] });
  assert.ok(hasNoFailures(report));
  assert.is(report.latency.lookup.count, 180);
  assert.is(report.filled, store.orders.length);
  assert.ok(report.filled > 50);
  assert.is(report.latency.order.count, report.filled + report.rejected);
  assert.is(report.latency['order read'].count, report.filled);
  assert.ok(report.latency.order.p99 >= report.latency.order.p50 && report.latency.order.p50 > 0);
  assert.equal(new Set(store.orders.map(({ name }) => name)).size, 5);
});

test('shoppers alternate between front-ends', async ({ store }) => {
  const second = new FakeStore();
  second.stocks.set('A', 10);
  await second.listen();
  await runShoppers({ ...TRIP, clients: 2, requests: 5, orderProbability: 0, urls: [store.url, second.url] });
  const lookups = (of: FakeStore): number =>
    of.requests.filter(({ line }) => line.startsWith('GET /stocks/')).length;
  assert.equal([lookups(store), lookups(second)], [5, 5]);
  await second.close();
});

test('counts failures by request and status; a rejection is not a failure', async ({ store }) => {
  store.intercept = ({ line }, response) => {
    if (line !== 'POST /orders') return false;
    const fails = store.requests.length % 2 === 0;
    sendError(response, fails ? 503 : 409, fails ? 'UNAVAILABLE' : 'INSUFFICIENT_STOCK');
    return true;
  };
  const report = await runShoppers({ ...TRIP, urls: [store.url] });
  assert.equal([...report.failures.keys()], ['order: UNAVAILABLE']);
  assert.ok(report.rejected > 0);
  assert.is(report.filled, 0);
});

test('a missing order or a duplicate number is a mismatch', async ({ store }) => {
  store.intercept = ({ line }, response) => {
    if (line === 'POST /orders') {
      sendJson(response, 200, { data: { transaction_number: 7 } });
      return true;
    }
    if (!line.startsWith('GET /orders/')) return false;
    sendError(response, 404, 'ORDER_NOT_FOUND');
    return true;
  };
  const report = await runShoppers({ ...TRIP, urls: [store.url] });
  assert.is(report.failures.size, 0);
  assert.is(report.mismatches.length, report.filled + 1);
  assert.is(report.mismatches[0], 'order 7 was not found');
  assert.is(report.mismatches.at(-1), 'number 7 was given to two orders');
});

async function runShop(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [SHOP, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

test('command line: uses the front-ends of a data folder, prints a table, exits with 0', async ({
  store,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'trireme-shop-'));
  const processes = [
    { role: 'catalog', url: 'http://127.0.0.1:1' },
    { role: 'frontend', url: store.url },
  ];
  writeFileSync(join(folder, 'cluster.json'), JSON.stringify({ processes }));
  const { code, output } = await runShop('--data', folder, '--clients', '2', '--requests', '10');
  rmSync(folder, { recursive: true });
  assert.is(code, 0, output);
  assert.match(output, /2 clients, 10 look-ups each, p 0\.8, seed 1/);
  assert.match(output, /^lookup +20 /m);
  assert.match(output, /mismatches: 0\n$/);
});

test('command line: exits with 1 after a failure, without a cluster, and for an invalid option', async ({
  store,
}) => {
  store.intercept = ({ line }, response) => {
    if (line !== 'POST /orders') return false;
    sendError(response, 500, 'INTERNAL');
    return true;
  };
  const failed = await runShop('--url', store.url, '--requests', '5', '--p', '1');
  assert.is(failed.code, 1);
  assert.match(failed.output, /order: INTERNAL: \d/);
  const nowhere = await runShop('--data', join(tmpdir(), 'trireme-none'));
  assert.is(nowhere.code, 1);
  assert.match(nowhere.output, /^error: cannot read .*cluster\.json/);
  for (const wrong of [
    ['--p', '2'],
    ['--clients', '0'],
    ['--url', 'nowhere'],
    ['--seed', '-1'],
  ]) {
    assert.is((await runShop(...wrong)).code, 1, wrong.join(' '));
  }
});

test.run();
