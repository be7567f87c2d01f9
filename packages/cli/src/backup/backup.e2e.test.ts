/** `trireme backup` and `trireme restore` as processes, against a cluster of real processes under load. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalCluster, findFreeBasePort, readClusterName, readSecret } from '@trireme/cluster';
import { trireme } from '../testing/run-trireme.js';

interface Context {
  folder: string;
  cluster: LocalCluster;
}

/** What `--json` prints of a backup or a restored cluster. */
interface Result {
  readonly replica: string;
  readonly cluster: string;
  readonly index: number;
  readonly orders: number;
  readonly hash: string;
  readonly takenAt: number;
}

const test = suite<Context>('backup');

test.before(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-backup-'));
  context.cluster = await start(join(context.folder, 'old'));
});

test.after(async ({ cluster, folder }) => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

async function start(dataDir: string): Promise<LocalCluster> {
  const port = await findFreeBasePort(3, 1);
  const cluster = new LocalCluster({ dataDir, port, output: () => undefined });
  await cluster.start();
  await cluster.awaitReady();
  return cluster;
}

/** Runs a command, which must succeed; returns what it prints. */
async function succeed(...args: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await trireme(...args, '--json');
  assert.is(code, 0, `${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as Result;
}

/** Runs a command, which must fail with the code and say why. */
async function fail(exitCode: number, reason: RegExp, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await trireme(...args);
  assert.is(code, exitCode, stderr);
  assert.match(stderr, reason);
}

/** Places an order. @returns the body of the response */
async function order({ urls: [url = ''] }: LocalCluster, key: string): Promise<unknown> {
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: '{"name":"AAPL","type":"sell","quantity":1}',
  });
  assert.is(response.status, 200);
  return response.json();
}

async function get({ urls: [url = ''] }: LocalCluster, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`);
  assert.is(response.status, 200);
  return response.json();
}

interface ReplicaState {
  readonly orders: number;
  readonly hash: string;
  readonly pending: number;
  readonly term: number;
  readonly leader: string | null;
}

async function statusOf(cluster: LocalCluster): Promise<readonly ReplicaState[]> {
  const replicas = cluster.describe().processes.filter(({ role }) => role === 'replica');
  return Promise.all(
    replicas.map(async ({ url }) => (await (await fetch(`${url}/status`)).json()) as ReplicaState),
  );
}

/** Waits until all replicas have the same book. @returns its hash */
async function settledHash(cluster: LocalCluster): Promise<string> {
  for (let i = 0; i < 500; i += 1) {
    const [first, ...others] = await statusOf(cluster);
    if (
      first !== undefined &&
      [first, ...others].every(({ hash, pending }) => hash === first.hash && pending === 0)
    )
      return first.hash;
    await delay(20);
  }
  throw new Error('the replicas have different books');
}

test('backups under load, restored to their end, to an index and to an order', async ({
  cluster,
  folder,
}) => {
  const old = join(folder, 'old');
  const file = (name: string): string => join(folder, name);
  const flow = { on: true };
  const numbers = new Map<string, unknown>();
  const load = (async () => {
    for (let i = 0; flow.on; i += 1) {
      const key = `backup-key-${String(i).padStart(6, '0')}`;
      numbers.set(key, await order(cluster, key));
    }
  })();
  await delay(300);
  const full = await succeed('backup', '--data', old, '--out', file('full'));
  await delay(200);
  const first = await succeed('backup', '--data', old, '--out', file('first'), '--since', file('full'));
  await delay(200);
  flow.on = false;
  await load;
  const hash = await settledHash(cluster);
  const last = await succeed('backup', '--data', old, '--out', file('last'), '--since', file('first'));
  assert.is(last.hash, hash);
  assert.is(last.orders, numbers.size);
  assert.ok(full.orders < first.orders && first.orders < last.orders);
  assert.is(full.cluster, readClusterName(old));
  const { stdout } = await trireme('status', '--data', old, '--json');
  const { leader } = JSON.parse(stdout) as { leader: string };
  assert.is.not(full.replica, leader, 'a follower is read');
  const files = [file('last'), file('full'), file('first')];
  await succeed('backup', 'verify', ...files);
  assert.equal(readdirSync(folder).sort(), ['first', 'full', 'last', 'old'], 'no temporary files are left');

  const ends = [
    { name: 'end', flags: [], end: last },
    { name: 'index', flags: ['--to-index', String(first.index)], end: first },
    { name: 'order', flags: ['--to-order', String(first.orders)], end: first },
    { name: 'time', flags: ['--to-time', new Date(last.takenAt).toISOString()], end: last },
  ];
  for (const { name, flags, end } of ends) {
    const restored = await succeed('restore', ...files, '--data', file(name), ...flags);
    assert.equal([restored.hash, restored.orders], [end.hash, end.orders], name);
    assert.is.not(restored.cluster, full.cluster);
  }
  assert.is.not(readSecret(file('end')), readSecret(old));
  await fail(64, /is not empty: it contains/, 'restore', ...files, '--data', file('end'));
  await fail(
    65,
    /order numbers \d+ to \d+ only/,
    'restore',
    ...files,
    '--data',
    file('none'),
    '--to-order',
    '1',
  );
  assert.not.ok(existsSync(file('none')));
  await fail(65, /a backup is missing/, 'restore', file('full'), file('last'), '--data', file('none'));

  const restored = await start(file('end'));
  try {
    const name = 'AAPL';
    assert.equal(await get(restored, `/stocks/${name}`), await get(cluster, `/stocks/${name}`));
    assert.equal(await get(restored, `/orders/${last.orders}`), await get(cluster, `/orders/${last.orders}`));
    for (const [key, answer] of [...numbers].slice(-20))
      assert.equal(await order(restored, key), answer, key);
    const next = await order(restored, 'a-key-of-the-restored-cluster');
    assert.equal(next, { data: { transaction_number: last.orders + 1 } });
    assert.is(await settledHash(cluster), hash, 'the old cluster is untouched');
  } finally {
    await restored.stop();
  }
});

test('a restored cluster cannot reach the old one, even at its addresses and with its secret', async ({
  cluster,
  folder,
}) => {
  const data = join(folder, 'index');
  copyFileSync(join(folder, 'old', 'secret'), join(data, 'secret'));
  const hash = await settledHash(cluster);
  const terms = await statusOf(cluster);
  const peers = new Map(cluster.describe().processes.map(({ id, peerUrl }) => [id, peerUrl ?? '']));
  const output: string[] = [];
  const restored = new LocalCluster({
    dataDir: data,
    port: await findFreeBasePort(3, 1),
    route: (_, to) => peers.get(to) ?? '',
    output: (line) => output.push(line),
  });
  try {
    await restored.start();
    let states: readonly ReplicaState[] = [];
    for (let i = 0; i < 500; i += 1) {
      // A replica that is still starting does not listen yet.
      states = await statusOf(restored).catch(() => []);
      if (states.length > 0 && output.some((line) => line.includes('WRONG_CLUSTER'))) break;
      await delay(20);
    }
    assert.ok(
      output.some((line) => line.includes('WRONG_CLUSTER')),
      output.join('\n'),
    );
    assert.equal(
      states.map(({ leader }) => leader),
      [null, null, null],
    );
    assert.is(await settledHash(cluster), hash);
    assert.equal(
      (await statusOf(cluster)).map(({ term, leader }) => [term, leader]),
      terms.map(({ term, leader }) => [term, leader]),
    );
  } finally {
    await restored.stop();
  }
});

test('what cannot be backed up or read is refused', async ({ folder }) => {
  const [old, full] = [join(folder, 'old'), join(folder, 'full')];
  const damaged = join(folder, 'damaged');
  copyFileSync(full, damaged);
  const bytes = readFileSync(damaged);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(damaged, bytes);
  await fail(65, /damaged: its checksum does not match/, 'backup', 'verify', damaged);
  await fail(
    65,
    /damaged: its checksum/,
    'backup',
    '--data',
    old,
    '--out',
    join(folder, 'x'),
    '--since',
    damaged,
  );
  await fail(1, /exists: give another file, or --overwrite/, 'backup', '--data', old, '--out', full);
  await fail(
    1,
    /are the same file/,
    ...['backup', '--data', old, '--out', full, '--since', full, '--overwrite'],
  );
  await fail(64, /give --out FILE/, 'backup', '--data', old);
  await fail(
    1,
    /the group has no replica 9/,
    'backup',
    '--data',
    old,
    '--out',
    join(folder, 'x'),
    '--from',
    '9',
  );
  await fail(
    64,
    /time with a zone/,
    'restore',
    full,
    '--data',
    join(folder, 'x'),
    '--to-time',
    '2026-01-31 12:00',
  );
  assert.not.ok(existsSync(join(folder, 'x')));
  await succeed('backup', '--data', old, '--out', full, '--from', '2', '--overwrite');
});

test.run();
