/**
 * All processes of a role are killed under load: no acknowledged order is lost or doubled, and every answer
 * is correct.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestCluster, orderNumberOf, parseBookRows, errorStatusOf, waitUntil } from './test-cluster.js';

const DEADLINE_MS = 2_000;
const CATALOGS = ['catalog-1', 'catalog-2'];
const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const test = suite('outage');

const testCluster = TestCluster.forSuite(test, { deadlineMs: DEADLINE_MS });

async function startAll(names: readonly string[]): Promise<void> {
  for (const name of names) await testCluster().cluster.startProcess(name);
  await testCluster().cluster.awaitReady();
}

test('orders and look-ups are unavailable while all replicas are down; order numbers continue afterwards', async () => {
  const number = orderNumberOf(await testCluster().order('sell', 'AAPL', 1));
  const quantity = await testCluster().quantity('AAPL');
  await Promise.all(REPLICAS.map(async (name) => testCluster().cluster.kill(name)));
  const startedAt = performance.now();
  const refused = await testCluster().order('sell', 'AAPL', 1);
  assert.ok(performance.now() - startedAt < 2 * DEADLINE_MS, 'within the deadline');
  assert.is(refused.status, 503);
  assert.is(errorStatusOf(refused), 'UNAVAILABLE');
  assert.ok(refused.headers.has('retry-after'));
  // No catalog has authority, so its values may be stale.
  for (const path of ['/stocks/AAPL', '/stocks/NVDA', '/stocks']) {
    const answer = await testCluster().request('GET', path);
    assert.equal([answer.status, errorStatusOf(answer)], [503, 'UNAVAILABLE'], path);
  }

  await startAll(REPLICAS);
  assert.is(orderNumberOf(await testCluster().order('sell', 'AAPL', 1)), number + 1);
  assert.is(await testCluster().quantity('AAPL'), quantity + 1);
});

test('orders and look-ups are answered while all catalogs are down, and after their restart', async () => {
  const before = await testCluster().quantity('META');
  await Promise.all(CATALOGS.map(async (name) => testCluster().cluster.kill(name)));
  const keys = Array.from({ length: 20 }, (_, i) => `down-${i}`);
  const answers = await Promise.all(keys.map(async (key) => testCluster().order('buy', 'META', 1, key)));
  assert.is(await testCluster().quantity('META'), before - keys.length);
  assert.is((await testCluster().request('GET', '/stocks')).status, 200);
  await startAll(CATALOGS);
  const retried = await Promise.all(keys.map(async (key) => testCluster().order('buy', 'META', 1, key)));
  assert.equal(retried.map(orderNumberOf), answers.map(orderNumberOf), 'the same number for each key');
  assert.is(await testCluster().quantity('META'), before - keys.length, 'no order is lost or doubled');
});

test('answer of an order stays valid when the catalogs, and then also the leader, are killed right after it', async () => {
  for (let i = 0; i < 4; i += 1) {
    const before = await testCluster().quantity('NFLX');
    const answer = await testCluster().order('buy', 'NFLX', 1, `answered-${i}`);
    const leader = (await testCluster().cluster.leaderName()) ?? '';
    const dying = i % 2 === 0 ? CATALOGS : [...CATALOGS, leader];
    await Promise.all(dying.map(async (name) => testCluster().cluster.kill(name)));
    await startAll(dying);
    assert.is(await testCluster().quantity('NFLX'), before - 1);
    const retry = await testCluster().order('buy', 'NFLX', 1, `answered-${i}`);
    assert.is(orderNumberOf(retry), orderNumberOf(answer));
    assert.is(await testCluster().quantity('NFLX'), before - 1, 'stock moved once');
  }
});

test('restarted catalogs have all listings, prices, restocks and trades', async () => {
  const token = testCluster().operatorHeaders();
  const listed = await testCluster().request('PUT', '/stocks/NewCo', {
    body: { price: 12.5 },
    headers: token,
  });
  assert.is(listed.status, 200, listed.text);
  await testCluster().request('POST', '/stocks/NewCo/restock', { body: { quantity: 40 }, headers: token });
  await testCluster().order('buy', 'NewCo', 15);
  const all = await testCluster().request('GET', '/stocks');
  await Promise.all(CATALOGS.map(async (name) => testCluster().cluster.kill(name)));
  await startAll(CATALOGS);
  assert.is((await testCluster().request('GET', '/stocks')).text, all.text);
  assert.is(await testCluster().quantity('NewCo'), 25);
});

test('every acknowledged order survives SIGKILL of all processes at once', async () => {
  const acknowledged = new Map<number, string>();
  let isDead = false;
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let i = 0; !isDead; i += 1) {
      const key = `kill-${client}-${i}`;
      const answer = await testCluster()
        .order('sell', 'GOOGL', 1, key)
        .catch(() => null);
      if (answer?.status === 200) acknowledged.set(orderNumberOf(answer), key);
    }
  });
  await waitUntil('orders are answered', () => acknowledged.size > 200);
  await testCluster().cluster.killAll();
  isDead = true;
  await Promise.all(clients);
  await testCluster().cluster.stop();

  await testCluster().start();
  for (const [number, key] of acknowledged) {
    assert.is(orderNumberOf(await testCluster().order('sell', 'GOOGL', 1, key)), number, `key ${key}`);
  }
  const rows = parseBookRows(await testCluster().waitForEqualBooks());
  assert.equal(
    rows.map(([number]) => number),
    rows.map((_, i) => i + 1),
    'order numbers have no gaps',
  );
  const sold = rows.filter(([, name]) => name === 'GOOGL').length;
  assert.is(await testCluster().quantity('GOOGL'), 100 + sold);
});

test.run();
