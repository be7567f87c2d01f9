/** Replicas with wrong wall clocks: idempotency keys last as long as promised, and order times stay correct. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSecret } from '@trireme/cluster';
import { missingCapability } from './run/capabilities.js';
import { controllableWallClock, setWallClock } from './run/clocks.js';
import { TestCluster, orderNumberOf, waitUntil } from './test-cluster.js';

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** Maximum difference between the time of an order and the clock of this process, in milliseconds. */
const TIME_ERROR_MS_MAX = 60_000;

const reason = missingCapability(['faketime']);
const test = suite('clocks');
let dataDir = '';
/** Clock environment of each replica. */
const clocks = new Map<string, Readonly<Record<string, string>>>();

const testCluster = TestCluster.forSuite(test, {
  prepare: (folder) => {
    dataDir = folder;
    return () => undefined;
  },
  env: (name) => {
    if (reason !== null || !REPLICAS.includes(name)) return {};
    // Created once per replica, because creating it resets the clock; a restarted process keeps its wrong
    // clock.
    const env = clocks.get(name) ?? controllableWallClock(dataDir, name).env ?? {};
    clocks.set(name, env);
    return env;
  },
});

/**
 * Sets a replica's wall clock, and waits until the other replicas have measured it.
 * @param secondsAhead may be negative
 */
async function setAhead(name: string, secondsAhead: number): Promise<void> {
  setWallClock(dataDir, name, `${secondsAhead < 0 ? '' : '+'}${secondsAhead}`);
  for (const other of REPLICAS.filter((one) => one !== name)) {
    await waitUntil(`${other} has measured the clock of ${name}`, async () => {
      const text = await (await fetch(`${urlOf(other)}/metrics`)).text();
      const [, lead] =
        new RegExp(`clock_lead_seconds.*peer="${name.replace('replica-', '')}".* (\\S+)$`, 'm').exec(text) ??
        [];
      return Math.abs(Number(lead) - secondsAhead) < HOUR_S;
    });
  }
}

function urlOf(name: string): string {
  const { processes } = testCluster().cluster.describe();
  return processes.find(({ id }) => id === name)?.url ?? '';
}

/** Times of all orders, in the sequence of their numbers. */
async function times(): Promise<readonly number[]> {
  const answer = await testCluster().request('GET', '/orders?limit=1000');
  return (answer.json() as { data: { time: string }[] }).data.map(({ time }) => Date.parse(time));
}

async function assertTimesTrue(): Promise<void> {
  const all = await times();
  assert.equal(
    all,
    all.toSorted((a, b) => a - b),
    'order times never decrease',
  );
  const last = all.at(-1) ?? 0;
  assert.ok(
    Math.abs(last - Date.now()) < TIME_ERROR_MS_MAX,
    `the last order has the time ${new Date(last).toISOString()}`,
  );
}

/** Kills the replicas, then starts all of them again. */
async function restart(names: readonly string[]): Promise<void> {
  for (const name of names) await testCluster().cluster.kill(name);
  for (const name of names) await testCluster().cluster.startProcess(name);
  await testCluster().cluster.awaitReady();
}

async function leader(): Promise<string> {
  let name = '';
  await waitUntil(
    'a replica leads',
    async () => (name = (await testCluster().cluster.leaderName()) ?? '') !== '',
  );
  return name;
}

/** Transfers leadership to a replica. */
async function transfer(to: string): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-trireme-secret': readSecret(dataDir) };
  await waitUntil(`${to} leads`, async () => {
    const from = await leader();
    if (from === to) return true;
    const body = JSON.stringify({ to: to.replace('replica-', '') });
    await (await fetch(`${urlOf(from)}/transfer`, { method: 'POST', headers, body })).text();
    return false;
  });
}

async function order(key: string): Promise<number> {
  const answer = await testCluster().order('sell', 'AAPL', 1, key);
  assert.is(answer.status, 200, answer.text);
  return orderNumberOf(answer);
}

if (reason !== null) console.log(`SKIPPED clocks: ${reason}`);

/** Registers a test that needs libfaketime, or skips it. */
function clockTest(name: string, run: () => Promise<void>): void {
  if (reason === null) test(name, run);
  else test.skip(name, run);
}

clockTest(
  'leader whose clock jumps two days ahead and back keeps all keys and gives correct order times',
  async () => {
    const name = await leader();
    assert.is(await order('K'), 1);
    await setAhead(name, 2 * DAY_S);
    for (let i = 0; i < 5; i += 1) await order(`ahead-${i}`);
    await assertTimesTrue();
    await setAhead(name, 0);
    assert.is(await order('K'), 1, 'a retry returns the same number');
    await order('after');
    await assertTimesTrue();
  },
);

clockTest(
  'replica with a wrong clock that becomes leader keeps all keys and gives correct order times',
  async () => {
    const before = await leader();
    const wrong = REPLICAS.find((name) => name !== before) ?? '';
    await setAhead(wrong, 2 * DAY_S);
    await transfer(wrong);
    const number = await order('wrong-clock-leads');
    await assertTimesTrue();
    assert.is(await order('K'), 1);
    await restart(REPLICAS);
    assert.is(await order('wrong-clock-leads'), number);
    await order('after-restart');
    await assertTimesTrue();
    await setAhead(wrong, 0);
    await transfer(before);
    await order('correct-clock-leads');
    await assertTimesTrue();
  },
);

clockTest('leader whose clock is set to 1969 stops no replica, before or after a restart', async () => {
  const name = await leader();
  await setAhead(name, -Math.ceil(Date.now() / 1000) - 30 * DAY_S);
  const number = await order('1969');
  await assertTimesTrue();
  await restart(REPLICAS);
  assert.is(await order('1969'), number);
  await order('1969-after-restart');
  await assertTimesTrue();
});

test.run();
