/** Replicas with wrong wall clocks: keys are known as long as promised, and the times of orders stay true. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSecret } from '@trireme/cluster';
import { whyNot } from './run/capabilities.js';
import { jumpyWallClock, setWallClock } from './run/clocks.js';
import { Stage, numberOf, until } from './stage.js';

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** How far the time of an order may be from this process's own clock, in milliseconds. */
const TIME_ERROR_MS_MAX = 60_000;

const reason = whyNot(['faketime']);
const test = suite('clocks');
let dataDir = '';
/** What each replica was started with. */
const clocks = new Map<string, Readonly<Record<string, string>>>();

const stage = Stage.of(test, {
  prepare: (folder) => {
    dataDir = folder;
    return () => undefined;
  },
  env: (name) => {
    if (reason !== null || !REPLICAS.includes(name)) return {};
    // Once each, as it sets the clock right: a process that starts again keeps its wrong clock.
    const env = clocks.get(name) ?? jumpyWallClock(dataDir, name).env ?? {};
    clocks.set(name, env);
    return env;
  },
});

/** Sets a replica's wall clock, and waits until the others know. @param secondsAhead may be negative */
async function setAhead(name: string, secondsAhead: number): Promise<void> {
  setWallClock(dataDir, name, `${secondsAhead < 0 ? '' : '+'}${secondsAhead}`);
  for (const other of REPLICAS.filter((one) => one !== name)) {
    await until(`${other} knows the clock of ${name}`, async () => {
      const text = await (await fetch(`${urlOf(other)}/metrics`)).text();
      const [, lead] =
        new RegExp(`clock_lead_seconds.*peer="${name.replace('replica-', '')}".* (\\S+)$`, 'm').exec(text) ??
        [];
      return Math.abs(Number(lead) - secondsAhead) < HOUR_S;
    });
  }
}

function urlOf(name: string): string {
  const { processes } = stage().cluster.describe();
  return processes.find(({ id }) => id === name)?.url ?? '';
}

/** Times of all orders, by number. */
async function times(): Promise<readonly number[]> {
  const answer = await stage().request('GET', '/orders?limit=1000');
  return (answer.json() as { data: { time: string }[] }).data.map(({ time }) => Date.parse(time));
}

async function assertTimesTrue(): Promise<void> {
  const all = await times();
  assert.equal(
    all,
    all.toSorted((a, b) => a - b),
    'times never go back',
  );
  const last = all.at(-1) ?? 0;
  assert.ok(
    Math.abs(last - Date.now()) < TIME_ERROR_MS_MAX,
    `the last order is of ${new Date(last).toISOString()}`,
  );
}

/** Kills replicas all at once, and starts them again. */
async function restart(names: readonly string[]): Promise<void> {
  for (const name of names) await stage().cluster.kill(name);
  for (const name of names) await stage().cluster.startProcess(name);
  await stage().cluster.waitReady();
}

async function leader(): Promise<string> {
  let name = '';
  await until('a replica leads', async () => (name = (await stage().cluster.leader()) ?? '') !== '');
  return name;
}

/** Makes a replica the leader. */
async function transfer(to: string): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-trireme-secret': readSecret(dataDir) };
  await until(`${to} leads`, async () => {
    const from = await leader();
    if (from === to) return true;
    const body = JSON.stringify({ to: to.replace('replica-', '') });
    await (await fetch(`${urlOf(from)}/transfer`, { method: 'POST', headers, body })).text();
    return false;
  });
}

async function order(key: string): Promise<number> {
  const answer = await stage().order('sell', 'AAPL', 1, key);
  assert.is(answer.status, 200, answer.text);
  return numberOf(answer);
}

if (reason !== null) console.log(`SKIPPED clocks: ${reason}`);

/** A test that needs wrong clocks. */
function clockTest(name: string, run: () => Promise<void>): void {
  if (reason === null) test(name, run);
  else test.skip(name, run);
}

clockTest(
  'a leader whose clock goes two days ahead and back forgets no key, and gives no time of then',
  async () => {
    const name = await leader();
    assert.is(await order('K'), 1);
    await setAhead(name, 2 * DAY_S);
    for (let i = 0; i < 5; i += 1) await order(`ahead-${i}`);
    await assertTimesTrue();
    await setAhead(name, 0);
    assert.is(await order('K'), 1, 'the same number');
    await order('after');
    await assertTimesTrue();
  },
);

clockTest('nor does one that comes to lead with a wrong clock, or goes on after it', async () => {
  const before = await leader();
  const wrong = REPLICAS.find((name) => name !== before) ?? '';
  await setAhead(wrong, 2 * DAY_S);
  await transfer(wrong);
  const number = await order('led by a wrong clock');
  await assertTimesTrue();
  assert.is(await order('K'), 1);
  await restart(REPLICAS);
  assert.is(await order('led by a wrong clock'), number);
  await order('led by whichever');
  await assertTimesTrue();
  await setAhead(wrong, 0);
  await transfer(before);
  await order('led by a right clock');
  await assertTimesTrue();
});

clockTest('a leader whose clock is in 1969 stops no replica, now or when it starts again', async () => {
  const name = await leader();
  await setAhead(name, -Math.ceil(Date.now() / 1000) - 30 * DAY_S);
  const number = await order('1969');
  await assertTimesTrue();
  await restart(REPLICAS);
  assert.is(await order('1969'), number);
  await order('1969 again');
  await assertTimesTrue();
});

test.run();
