/** `trireme` as a process, against a cluster of real processes under load. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  LocalCluster,
  findFreeBasePort,
  parseCatalogSet,
  parseGroupState,
  readSecret,
  serveControl,
  type GroupState,
} from '@trireme/cluster';
import { TRIREME, runProgram, trireme } from '../testing/run-trireme.js';

interface Context {
  dataDir: string;
  cluster: LocalCluster;
  control: Server;
  /** HTTP status of each order since the test began. */
  statuses: number[];
  stopLoad: () => Promise<void>;
}

const test = suite<Context>('trireme');
const ORDER = { method: 'POST', body: '{"name":"AAPL","type":"sell","quantity":1}' };

test.before(async (context) => {
  context.dataDir = mkdtempSync(join(tmpdir(), 'trireme-command-'));
  const port = await findFreeBasePort(3, 1);
  context.cluster = new LocalCluster({ dataDir: context.dataDir, port, output: () => undefined });
  await context.cluster.start();
  await context.cluster.awaitReady();
  const secret = readSecret(context.dataDir);
  context.control = await serveControl({
    cluster: context.cluster,
    secret,
    port: context.cluster.controlPort,
  });
  context.statuses = [];
});

test.after(async ({ control, cluster, dataDir }) => {
  control.close();
  control.closeAllConnections();
  await cluster.stop();
  rmSync(dataDir, { recursive: true });
});

test.before.each((context) => {
  const [url = ''] = context.cluster.urls;
  const flow = { on: true };
  const load = (async () => {
    while (flow.on) {
      const response = await fetch(`${url}/orders`, {
        ...ORDER,
        headers: { 'content-type': 'application/json' },
      });
      await response.arrayBuffer();
      context.statuses.push(response.status);
      await delay(10);
    }
  })();
  context.stopLoad = async () => {
    flow.on = false;
    await load;
  };
});

test.after.each(async (context) => {
  await context.stopLoad();
  assert.equal([...new Set(context.statuses)], [200], 'no request fails');
});

/** Runs a members command, which must succeed; returns the group that it prints. */
async function members({ dataDir }: Context, ...args: string[]): Promise<GroupState> {
  const { code, stdout, stderr } = await trireme('members', ...args, '--data', dataDir, '--json');
  assert.is(code, 0, `members ${args.join(' ')}: ${stderr}`);
  const group = parseGroupState(JSON.parse(stdout));
  assert.ok(group);
  return group;
}

function rolesOf({ members: all }: GroupState): Record<string, string> {
  return Object.fromEntries(all.map(({ name, role }) => [name, role]));
}

async function follower(context: Context): Promise<string> {
  const { self, members: all } = await members(context, 'list');
  return all.find(({ id }) => id !== self)?.name ?? '';
}

/** The order book, once all replicas have the same book and nothing is pending. */
async function equalBooks({ cluster, dataDir }: Context): Promise<string> {
  const headers = { 'x-trireme-secret': readSecret(dataDir) };
  for (let i = 0; i < 1_000; i += 1) {
    const replicas = cluster.describe().processes.filter(({ role }) => role === 'replica');
    const pending = await Promise.all(
      replicas.map(
        async ({ url }) => ((await (await fetch(`${url}/status`)).json()) as { pending: number }).pending,
      ),
    );
    const books = await Promise.all(
      replicas.map(async ({ url }) => (await fetch(`${url}/export`, { headers })).text()),
    );
    if (new Set(books).size === 1 && pending.every((count) => count === 0)) return books[0] ?? '';
    await delay(20);
  }
  throw new Error('the order books still differ');
}

test('members rejoin rebuilds a replica without data; repeated it does nothing', async (context) => {
  const { cluster, dataDir } = context;
  const name = await follower(context);
  await cluster.kill(`replica-${name}`);
  rmSync(join(dataDir, `replica-${name}`), { recursive: true });
  const group = await members(context, 'rejoin', name);
  const member = group.members.find((one) => one.name === name);
  assert.match(member?.id ?? '', new RegExp(`^${name}\\.[0-9a-f]{8}$`));
  assert.equal(rolesOf(group), { 1: 'voter', 2: 'voter', 3: 'voter' });
  const again = await members(context, 'rejoin', name);
  assert.equal(again.members.find((one) => one.name === name)?.id, member?.id);
});

test('members rejoin keeps damaged data; repeated after a kill it continues', async (context) => {
  const { cluster, dataDir } = context;
  const name = await follower(context);
  const replica = `replica-${name}`;
  await cluster.kill(replica);
  const log = join(dataDir, replica, 'log');
  for (const file of readdirSync(log))
    if (file.startsWith('MANIFEST')) writeFileSync(join(log, file), 'torn');
  const killed = await runProgram(process.execPath, [TRIREME, 'members', 'rejoin', name, '--data', dataDir], {
    killAt: /adding learner/,
  });
  assert.is(killed.code, null, killed.stderr);
  assert.match(killed.stderr, /has damaged data: .*\n.*moved its data to .*\.old-\d+T\d+Z/);
  const group = await members(context, 'rejoin', name);
  assert.equal(rolesOf(group), { 1: 'voter', 2: 'voter', 3: 'voter' });
  const aside = readdirSync(dataDir).filter((folder) => folder.startsWith(`${replica}.old-`));
  assert.is(aside.length, 1, 'rebuilt once');
});

test('members replace, add and remove: a fourth replica replaces the leader, then leaves again', async (context) => {
  const { self, members: all } = await members(context, 'list');
  const old = all.find(({ id }) => id === self)?.name ?? '';
  const left = ['1', '2', '3'].filter((one) => one !== old);
  const votes = (...names: string[]): object => Object.fromEntries(names.map((one) => [one, 'voter']));
  assert.equal(rolesOf(await members(context, 'replace', old, '4')), votes(...left, '4'));
  assert.equal(
    rolesOf(await members(context, 'replace', old, '4')),
    votes(...left, '4'),
    'repeated it does nothing',
  );
  assert.equal(rolesOf(await members(context, 'add', old)), votes(...left, old, '4'));
  assert.equal(rolesOf(await members(context, 'remove', '4')), votes(...left, old));
  const replicas = context.cluster.describe().processes.filter(({ role }) => role === 'replica');
  assert.equal(replicas.map(({ id }) => id).sort(), ['replica-1', 'replica-2', 'replica-3']);
  await context.stopLoad();
  const book = await equalBooks(context);
  assert.is(book.trim().split('\n').length - 1, context.statuses.length, 'each order once');
});

test('transfer, status, stocks, order, orders and export print their results', async (context) => {
  const { dataDir } = context;
  await context.stopLoad();
  await equalBooks(context);
  const ask = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await trireme(...args, '--data', dataDir);
    assert.is(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const to = await follower(context);
  const led = parseGroupState(JSON.parse(await ask('transfer', '--to', to, '--json')));
  assert.is(led?.members.find(({ id }) => id === led.self)?.name, to);
  const status = JSON.parse(await ask('status', '--json')) as {
    leader: string;
    booksAgree: boolean;
    replicas: { role: string; hash: string }[];
  };
  assert.is(status.leader, led?.self);
  assert.is(status.booksAgree, true);
  assert.equal(status.replicas.map(({ role }) => role).sort(), ['follower', 'follower', 'leader']);
  assert.match(await ask('status'), /^replica .* book .*\n.*leader/s);
  assert.match(await ask('stocks'), /^stock +price +quantity\nAAPL +55\.00 +\d+\n/);
  const placed = JSON.parse(await ask('order', 'sell', 'AAPL', '3', '--key', 'k1', '--json')) as {
    data: [{ number: number; quantity: number }];
  };
  const { number } = placed.data[0];
  assert.match(await ask('order', 'sell', 'AAPL', '3', '--key', 'k1'), new RegExp(`\n${number} +AAPL`));
  assert.match(
    await ask('orders', String(number)),
    new RegExp(`^number .*\n${number} +AAPL +sell +3 +55\\.00 `),
  );
  assert.match(await ask('orders', '--after', String(number - 1)), new RegExp(`\n${number} `));
  assert.match(await ask('export'), new RegExp(`^number,name,type,quantity\n[^]*\n${number},AAPL,sell,3\n$`));
  assert.match(
    await ask('export', to, '--json'),
    new RegExp(`"number":${number},"name":"AAPL","type":"sell","quantity":3}\n$`),
  );
  const none = await trireme('orders', '999999999', '--data', dataDir);
  assert.is(none.code, 1);
  assert.match(none.stderr, /ORDER_NOT_FOUND/);
});

test('snapshot compacts logs under load, and reports a replica that does not answer', async (context) => {
  const { cluster, dataDir } = context;
  const ask = async (...args: string[]): Promise<{ code: number | null; rows: SnapshotRow[] }> => {
    const { code, stdout } = await trireme('snapshot', ...args, '--data', dataDir, '--json');
    return { code, rows: JSON.parse(stdout) as SnapshotRow[] };
  };
  const all = await ask('--keep', '100');
  assert.is(all.code, 0);
  assert.equal(all.rows.map(({ name }) => name).sort(), ['1', '2', '3']);
  for (const { index, held, problem } of all.rows) {
    assert.is(problem, null);
    assert.ok(index > 0 && held >= 100, `${index} ${held}`);
  }
  const name = await follower(context);
  assert.equal(
    (await ask(name)).rows.map((row) => row.name),
    [name],
  );
  await cluster.kill(`replica-${name}`);
  const down = await ask(name);
  assert.is(down.code, 69);
  assert.is(down.rows[0]?.problem, 'the replica does not answer (NO_ANSWER)');
  await cluster.startProcess(`replica-${name}`);
  await cluster.awaitProcessReady(`replica-${name}`);
  assert.is((await trireme('snapshot', '7', '--data', dataDir)).code, 1);
  assert.is((await trireme('snapshot', '--keep', '-1', '--data', dataDir)).code, 64);
});

interface SnapshotRow {
  readonly name: string;
  readonly index: number;
  readonly held: number;
  readonly problem: string | null;
}

test('status --watch prints the status repeatedly until it is stopped', async ({ dataDir }) => {
  const args = ['status', '--watch', '1', '--json', '--data', dataDir];
  const child = spawn(process.execPath, [TRIREME, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const leaders: unknown[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    leaders.push((JSON.parse(line) as { leader: unknown }).leader);
    if (leaders.length === 2) break;
  }
  child.kill('SIGTERM');
  await once(child, 'exit');
  assert.is(leaders.length, 2);
  assert.type(leaders[1], 'string');
});

/** Waits until `count` more orders are answered. */
async function awaitOrders({ statuses }: Context, count: number): Promise<void> {
  const goal = statuses.length + count;
  for (let i = 0; statuses.length < goal; i += 1) {
    assert.ok(i < 1_000, 'no orders are answered');
    await delay(20);
  }
}

test('refuses changes that leave no majority, and orders are still filled', async (context) => {
  const { cluster, dataDir } = context;
  const leader = (await cluster.leaderName()) ?? '';
  const [down = '', other = ''] = ['replica-1', 'replica-2', 'replica-3'].filter((name) => name !== leader);
  const url = cluster.describe().processes.find(({ id }) => id === leader)?.url ?? '';
  const change = async (...parts: object[]): Promise<string> => {
    const headers = { 'x-trireme-secret': readSecret(dataDir) };
    const body = JSON.stringify({ change: parts });
    return (await fetch(`${url}/members`, { method: 'POST', headers, body })).text();
  };
  const nowhere = { peerUrl: 'http://127.0.0.1:9', url: 'http://127.0.0.1:10' };
  const added = parseGroupState(JSON.parse(await change({ type: 'addLearner', id: '9', ...nowhere })));
  const id = added?.members.find(({ name }) => `replica-${name}` === other)?.id ?? '';
  await cluster.kill(down);

  const promoted = await trireme('members', 'promote', '9', '--timeout-seconds', '1', '--data', dataDir);
  assert.is(promoted.code, 75, promoted.stderr);
  assert.match(promoted.stderr, /waiting: 9 does not answer the leader: start it\n/);
  const removed = await trireme('members', 'remove', other.replace('replica-', ''), '--data', dataDir);
  assert.is(removed.code, 1, removed.stderr);
  assert.match(
    removed.stderr,
    /the group was not changed: \S+ does not answer the leader, so only 1 of the voters .*QUORUM_UNREACHABLE/,
  );
  assert.match(await change({ type: 'remove', id }), /"status":"QUORUM_UNREACHABLE"/);
  assert.match(await change({ type: 'addVoter', id: '9' }), /"status":"NOT_CAUGHT_UP"/);
  await awaitOrders(context, 20);

  await cluster.startProcess(down);
  await cluster.awaitProcessReady(down);
  // Three of four voters answer, which is a majority: the operator may force it.
  const forced = rolesOf(await members(context, 'promote', '9', '--force'));
  assert.is(forced['9'], 'voter');
  const left = parseGroupState(JSON.parse(await change({ type: 'remove', id: '9' })));
  assert.equal(
    left?.members.map(({ role }) => role),
    ['voter', 'voter', 'voter'],
  );
});

test('members without a supervisor tells the operator what to start', async ({ cluster, dataDir }) => {
  const urls = cluster
    .describe()
    .processes.filter(({ role }) => role === 'replica')
    .map(({ url }) => url);
  const secret = join(dataDir, 'secret');
  const elsewhere = ['--replicas', urls.join(','), '--secret-file', secret];
  const where = ['--url', 'http://127.0.0.1:9', '--peer-url', 'http://127.0.0.1:10'];
  const ended = await trireme('members', 'add', '9', ...elsewhere, ...where);
  assert.is(ended.code, 75);
  assert.match(ended.stderr, /^error: replica 9 does not answer at http:\/\/127.0.0.1:9: start it/);
  const other = join(dataDir, 'wrong');
  writeFileSync(other, 'the-secret-of-another-cluster');
  const denied = await trireme('members', 'list', '--replicas', urls.join(','), '--secret-file', other);
  rmSync(other);
  assert.is(denied.code, 77, denied.stderr);
  assert.is(
    (await trireme('members', 'list', '--replicas', 'http://127.0.0.1:9', '--secret-file', secret)).code,
    69,
  );
  assert.is((await trireme('members', 'rejoin')).code, 64);
  assert.is((await trireme('members', 'list', '--data', join(dataDir, 'none'))).code, 64);
});

/** Runs a catalogs command, which must succeed; returns which catalogs have authority. */
async function catalogs({ dataDir }: Context, ...args: string[]): Promise<Record<string, boolean | null>> {
  const { code, stdout, stderr } = await trireme('catalogs', ...args, '--data', dataDir, '--json');
  assert.is(code, 0, `catalogs ${args.join(' ')}: ${stderr}`);
  const set = parseCatalogSet(JSON.parse(stdout));
  assert.ok(set);
  return Object.fromEntries(set.catalogs.map(({ id, hasAuthority }) => [id, hasAuthority]));
}

test('catalogs add and remove; repeated they do nothing', async (context) => {
  const { cluster, dataDir } = context;
  const running = (): string[] =>
    cluster.describe().processes.flatMap(({ role, id }) => (role === 'catalog' ? [id] : []));
  const two = { 'catalog-1': true, 'catalog-2': true };
  for (const name of running()) await cluster.awaitProcessReady(name);
  assert.equal(await catalogs(context), two);
  for (const args of [
    ['add', 'catalog-3'],
    ['add', '3'],
  ]) {
    assert.equal(await catalogs(context, ...args), { ...two, 'catalog-3': true });
    assert.equal(running(), ['catalog-1', 'catalog-2', 'catalog-3']);
  }
  await cluster.kill('catalog-3');
  assert.equal(await catalogs(context, 'add', 'catalog-3'), { ...two, 'catalog-3': true }, 'it is started');
  for (let times = 0; times < 2; times += 1) {
    assert.equal(await catalogs(context, 'remove', 'catalog-3'), two);
    assert.equal(running(), ['catalog-1', 'catalog-2']);
  }
  assert.match(
    (await trireme('catalogs', '--data', dataDir)).stdout,
    /^catalog +linked +authority +url\ncatalog-1 +yes +yes/,
  );
  assert.is((await trireme('catalogs', 'add', 'replica-1', '--data', dataDir)).code, 64);
});

test.run();
