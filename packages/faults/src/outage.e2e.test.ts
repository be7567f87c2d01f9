/** Whole services die under orders: nothing acknowledged is lost, nothing is doubled, and every answer says what is so. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Stage, numberOf, rowsOf, statusOf, until } from './stage.js';

const DEADLINE_MS = 2_000;
const CATALOGS = ['catalog-1', 'catalog-2'];
const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const test = suite('outage');

const stage = Stage.of(test, { deadlineMs: DEADLINE_MS });

async function startAll(names: readonly string[]): Promise<void> {
  for (const name of names) await stage().cluster.startProcess(name);
  await stage().cluster.waitReady();
}

test('with every replica dead orders and look-ups are refused as unavailable; then numbers go on', async () => {
  const number = numberOf(await stage().order('sell', 'AAPL', 1));
  const quantity = await stage().quantity('AAPL');
  await Promise.all(REPLICAS.map(async (name) => stage().cluster.kill(name)));
  const begun = performance.now();
  const refused = await stage().order('sell', 'AAPL', 1);
  assert.ok(performance.now() - begun < 2 * DEADLINE_MS, 'within the deadline');
  assert.is(refused.status, 503);
  assert.is(statusOf(refused), 'UNAVAILABLE');
  assert.ok(refused.headers.has('retry-after'));
  // No catalog has authority any more: what it knows may be old.
  for (const path of ['/stocks/AAPL', '/stocks/NVDA', '/stocks']) {
    const answer = await stage().request('GET', path);
    assert.equal([answer.status, statusOf(answer)], [503, 'UNAVAILABLE'], path);
  }

  await startAll(REPLICAS);
  assert.is(numberOf(await stage().order('sell', 'AAPL', 1)), number + 1);
  assert.is(await stage().quantity('AAPL'), quantity + 1);
});

test('with every catalog dead orders and look-ups are answered, and by catalogs again when they are back', async () => {
  const before = await stage().quantity('META');
  await Promise.all(CATALOGS.map(async (name) => stage().cluster.kill(name)));
  const keys = Array.from({ length: 20 }, (_, i) => `down-${i}`);
  const answers = await Promise.all(keys.map(async (key) => stage().order('buy', 'META', 1, key)));
  assert.is(await stage().quantity('META'), before - keys.length);
  assert.is((await stage().request('GET', '/stocks')).status, 200);
  await startAll(CATALOGS);
  const told = await Promise.all(keys.map(async (key) => stage().order('buy', 'META', 1, key)));
  assert.equal(told.map(numberOf), answers.map(numberOf), 'the same number for each key');
  assert.is(await stage().quantity('META'), before - keys.length, 'nothing lost, nothing doubled');
});

test('the catalogs are killed the moment that an order is answered, the leader with them: the answer still holds', async () => {
  for (let i = 0; i < 4; i += 1) {
    const before = await stage().quantity('NFLX');
    const answer = await stage().order('buy', 'NFLX', 1, `answered-${i}`);
    const leader = (await stage().cluster.leader()) ?? '';
    const dying = i % 2 === 0 ? CATALOGS : [...CATALOGS, leader];
    await Promise.all(dying.map(async (name) => stage().cluster.kill(name)));
    await startAll(dying);
    assert.is(await stage().quantity('NFLX'), before - 1);
    const again = await stage().order('buy', 'NFLX', 1, `answered-${i}`);
    assert.is(numberOf(again), numberOf(answer));
    assert.is(await stage().quantity('NFLX'), before - 1, 'stock moved once');
  }
});

test('catalogs that start again have the stocks that were listed, priced, restocked and traded', async () => {
  const token = stage().operatorToken();
  const listed = await stage().request('PUT', '/stocks/NewCo', { body: { price: 12.5 }, headers: token });
  assert.is(listed.status, 200, listed.text);
  await stage().request('POST', '/stocks/NewCo/restock', { body: { quantity: 40 }, headers: token });
  await stage().order('buy', 'NewCo', 15);
  const all = await stage().request('GET', '/stocks');
  await Promise.all(CATALOGS.map(async (name) => stage().cluster.kill(name)));
  await startAll(CATALOGS);
  assert.is((await stage().request('GET', '/stocks')).text, all.text);
  assert.is(await stage().quantity('NewCo'), 25);
});

test('after SIGKILL of everything at once every acknowledged order is there', async () => {
  const acknowledged = new Map<number, string>();
  let isDead = false;
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let i = 0; !isDead; i += 1) {
      const key = `kill-${client}-${i}`;
      const answer = await stage()
        .order('sell', 'GOOGL', 1, key)
        .catch(() => null);
      if (answer?.status === 200) acknowledged.set(numberOf(answer), key);
    }
  });
  await until('orders flow', () => acknowledged.size > 200);
  await stage().cluster.killAll();
  isDead = true;
  await Promise.all(clients);
  await stage().cluster.stop();

  await stage().start();
  for (const [number, key] of acknowledged) {
    assert.is(numberOf(await stage().order('sell', 'GOOGL', 1, key)), number, `key ${key}`);
  }
  const rows = rowsOf(await stage().agreedBook());
  assert.equal(
    rows.map(([number]) => number),
    rows.map((_, i) => i + 1),
    'numbers are dense',
  );
  const sold = rows.filter(([, name]) => name === 'GOOGL').length;
  assert.is(await stage().quantity('GOOGL'), 100 + sold);
});

test.run();
