import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readClusterFile } from './data/cluster-file.js';
import { findFreeBasePort } from './ports/free-ports.js';
import type { ClusterOptions } from './cluster-options.js';
import { LocalCluster } from './local-cluster.js';
import { isProcessAlive } from './processes/process-identity.js';
import { rejectsCode } from './testing/rejects-code.js';

const FAKE = fileURLToPath(new URL('./testing/fake-process.js', import.meta.url));
const SUPERVISOR = fileURLToPath(new URL('./testing/fake-supervisor.js', import.meta.url));

interface Context {
  dataDir: string;
  port: number;
  lines: string[];
  clusters: LocalCluster[];
  children: ChildProcess[];
}

const test = suite<Context>('local cluster');

test.before.each(async (context) => {
  context.dataDir = mkdtempSync(join(tmpdir(), 'trireme-cluster-'));
  context.port = await findFreeBasePort(3, 2);
  context.lines = [];
  context.clusters = [];
  context.children = [];
});

test.after.each(async ({ clusters, children, dataDir }) => {
  for (const cluster of clusters) await cluster.stop();
  for (const child of children) child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true });
});

function make(context: Context, options: Partial<ClusterOptions> = {}): LocalCluster {
  const { dataDir, port, lines } = context;
  const cluster = new LocalCluster({
    dataDir,
    port,
    frontends: 2,
    programs: { catalog: FAKE, replica: FAKE, frontend: FAKE },
    output: (line) => void lines.push(line),
    ...options,
  });
  context.clusters.push(cluster);
  return cluster;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

/** Waits for every process. `waitReady` waits only for a leader and front-ends; others may not handle signals yet. */
async function startAll(cluster: LocalCluster): Promise<void> {
  await cluster.start();
  await Promise.all(cluster.describe().processes.map(async ({ id }) => cluster.awaitProcessReady(id)));
}

test('starts every process, records them in cluster.json, and stops them in order', async (context) => {
  const cluster = make(context, { cacheSize: null, seedFile: 'seeds.json' });
  await startAll(cluster);
  await cluster.awaitReady();
  assert.is(await cluster.leaderName(), 'replica-1');
  assert.equal(cluster.urls, [`http://127.0.0.1:${context.port}`, `http://127.0.0.1:${context.port + 1}`]);
  const file = readClusterFile(context.dataDir);
  assert.equal(
    file?.processes.map(({ id }) => id),
    ['catalog-1', 'catalog-2', 'replica-1', 'replica-2', 'replica-3', 'frontend-1', 'frontend-2'],
  );
  assert.ok(file?.processes.every(({ pid, identity }) => pid !== null && identity !== null));
  const commands = Object.fromEntries(
    (file?.processes ?? []).map(({ id, command }) => [id, command.join(' ')]),
  );
  assert.match(commands['replica-2'] ?? '', /--seed-file \/.*seeds\.json/);
  assert.match(commands['replica-2'] ?? '', /--catalogs catalog-1,catalog-2( |$)/);
  assert.not.match(commands['catalog-1'] ?? '', /--data|--seed-file/);
  const { port } = context;
  const replicas = [1, 2, 3].map((id) => `${id}=http://127.0.0.1:${port + 110 + id}`).join();
  assert.ok(commands['catalog-2']?.includes(`--id catalog-2 --host 127.0.0.1 --port ${port + 82} `));
  assert.ok(commands['catalog-2']?.endsWith(`--replicas ${replicas}`));
  assert.match(
    commands['replica-2'] ?? '',
    new RegExp(
      `--id 2 .*--exit-with-parent .*--peer-port ${context.port + 122} --peers 1=http://127.0.0.1:${context.port + 121},`,
    ),
  );
  assert.match(commands['frontend-1'] ?? '', /--no-cache/);
  await cluster.stop();
  const stopped = context.lines.filter((line) => line.includes('stopping')).map((line) => line.slice(1, 8));
  assert.equal(stopped.slice(0, 2), ['fronten', 'fronten']);
  assert.equal(stopped.slice(2, 5), ['replica', 'replica', 'replica']);
  assert.equal(stopped.slice(5), ['catalog', 'catalog']);
  assert.ok(readClusterFile(context.dataDir)?.processes.every(({ pid }) => pid === null));
  assert.match(
    readFileSync(join(context.dataDir, 'logs', 'replica-2.log'), 'utf8'),
    /^\{"level":"info".*listening/,
  );
});

test('kills, starts, restarts, pauses and resumes processes', async (context) => {
  const cluster = make(context);
  await cluster.start();
  await cluster.awaitReady();
  const before = cluster.describe().processes.find(({ id }) => id === 'replica-2')?.pid;
  const exited = once(cluster, 'exit');
  assert.is(await cluster.kill('replica-2'), before);
  const [exit] = (await exited) as [{ name: string; signal: string; expected: boolean }];
  assert.equal([exit.name, exit.signal, exit.expected], ['replica-2', 'SIGKILL', true]);
  assert.is(readClusterFile(context.dataDir)?.processes.find(({ id }) => id === 'replica-2')?.pid, null);
  await rejectsCode(cluster.kill('replica-2'), 'BAD_PROCESS', /replica-2 is down/);
  const pid = await cluster.startProcess('replica-2');
  assert.is.not(pid, before);
  await cluster.awaitProcessReady('replica-2');
  await rejectsCode(cluster.startProcess('replica-2'), 'BAD_PROCESS', /is already running/);
  assert.is.not(await cluster.restart('replica-2'), pid);
  await cluster.pause('replica-1');
  assert.is(await cluster.leaderName(), null);
  await cluster.resume('replica-1');
  await cluster.awaitReady();
  assert.equal(await cluster.resolveTarget({ kind: 'leader' }), ['replica-1']);
  assert.is((await cluster.resolveTarget({ kind: 'allReplicas' })).length, 3);
  await rejectsCode(
    cluster.resolveTarget({ kind: 'process', name: 'replica-9' }),
    'BAD_PROCESS',
    /unknown process replica-9/,
  );
});

test('stops a paused process with SIGTERM', async (context) => {
  const cluster = make(context);
  await startAll(cluster);
  await cluster.pause('replica-2');
  await cluster.stop();
  // Match all of its lines, so that a failure shows them.
  assert.match(
    context.lines.filter((line) => line.includes('replica-2')).join('\n'),
    /\[replica-2\].*stopping/,
  );
});

test('reports a damaged replica, and the other processes keep running', async (context) => {
  const cluster = make(context, {
    env: (name): Record<string, string> => (name === 'replica-3' ? { FAKE: 'damaged' } : {}),
  });
  const exited = once(cluster, 'exit');
  await cluster.start();
  const [exit] = (await exited) as [{ name: string; damaged: boolean; reason: string }];
  assert.equal([exit.name, exit.damaged], ['replica-3', true]);
  assert.match(exit.reason, /wrong checksum/);
  await cluster.awaitReady();
  assert.ok(
    context.lines.some((line) => /^!!! replica-3 is DAMAGED.*record 7 has a wrong checksum/.test(line)),
  );
  await rejectsCode(cluster.awaitProcessReady('replica-3'), 'NOT_READY', /wrong checksum/);
});

test('passes routes and advertised URLs to the processes, and calls the wrapper at each start', async (context) => {
  let starts = 0;
  const cluster = make(context, {
    route: (from, to) => `http://127.0.0.1:1/${from}/${to}`,
    advertise: (name) => `http://127.0.0.1:1/${name}`,
    wrapper: (name) => (name === 'replica-3' && (starts += 1) > 1 ? ['env', 'FAKE=crash'] : []),
  });
  await startAll(cluster);
  const commandOf = (name: string): string =>
    cluster
      .describe()
      .processes.find(({ id }) => id === name)
      ?.command.join(' ') ?? '';
  const own = `2=http://127.0.0.1:${context.port + 122}`;
  const peers = `--peers 1=http://127.0.0.1:1/replica-2/replica-1,${own},3=http://127.0.0.1:1/replica-2/replica-3`;
  assert.ok(commandOf('replica-2').includes(peers), commandOf('replica-2'));
  assert.match(commandOf('catalog-1'), / --url http:\/\/127.0.0.1:1\/catalog-1$/);
  for (const name of ['catalog-1', 'replica-2', 'frontend-1'])
    assert.match(commandOf(name), /--replicas 1=http:\/\/127.0.0.1:1\/replica-1,2=/);
  assert.not.match(commandOf('frontend-1'), /--catalog/);

  const exited = once(cluster, 'exit');
  const pid = await cluster.restart('replica-3');
  assert.equal(
    (await exited).map(({ code }: { code: number }) => code),
    [0],
  );
  const [exit] = (await once(cluster, 'exit')) as [{ pid: number; code: number }];
  assert.equal([exit.pid, exit.code], [pid, 70], 'it runs in the pid of its wrapper');
});

test('awaitReady fails at once when a front-end has ended', async (context) => {
  const broken = make(context, {
    env: (name): Record<string, string> => (name === 'frontend-2' ? { FAKE: 'crash' } : {}),
  });
  const exited = once(broken, 'exit');
  await broken.start();
  await exited;
  await broken.kill('replica-1');
  await rejectsCode(broken.awaitReady(), 'NOT_READY', /frontend-2 has exited: it broke/);
  assert.ok(
    context.lines.some((line) =>
      /^!!! frontend-2 has exited.*\(unexpected end of process \d+, exit code 70\)/.test(line),
    ),
  );
  assert.ok(context.lines.includes('[frontend-2] plain words'));
});

test('reports catalogs that have ended, and waitReady does not wait for them', async (context) => {
  const cluster = make(context, {
    env: (name): Record<string, string> => (name.startsWith('catalog-') ? { FAKE: 'crash' } : {}),
  });
  await cluster.start();
  await until(() => context.lines.filter((line) => /^!!! catalog-\d has exited/.test(line)).length === 2);
  await cluster.awaitReady();
});

test('adds and retires catalogs at run time, and the next run has the same catalogs', async (context) => {
  const cluster = make(context, { catalogs: 1 });
  const catalogs = (of: LocalCluster): string[] =>
    of.describe().processes.flatMap(({ role, id }) => (role === 'catalog' ? [id] : []));
  await cluster.start();
  await cluster.addProcess('catalog-3');
  await cluster.awaitProcessReady('catalog-3');
  assert.equal(await cluster.resolveTarget({ kind: 'allCatalogs' }), ['catalog-1', 'catalog-3']);
  await rejectsCode(cluster.addProcess('catalog-3'), 'BAD_PROCESS', /catalog-3 already exists/);
  await rejectsCode(cluster.addProcess('catalog-17'), 'BAD_OPTION', /from 1 to 16/);
  await rejectsCode(cluster.removeProcess('frontend-1'), 'BAD_PROCESS', /front-end/);
  assert.is(await cluster.removeProcess('catalog-1'), null);
  assert.equal(catalogs(cluster), ['catalog-3']);
  await cluster.stop();
  await rejectsCode(make(context, { catalogs: 2 }).start(), 'BAD_OPTION', /has 1 catalogs, not 2/);
  const next = make(context);
  await next.start();
  assert.equal(catalogs(next), ['catalog-3']);
  const fresh = make(context, { fresh: true, catalogs: 0 });
  await next.stop();
  await fresh.start();
  await fresh.awaitReady();
  assert.equal(catalogs(fresh), []);
});

test('awaitReady fails at its timeout, and at once without a majority', async (context) => {
  const cluster = make(context);
  await cluster.start();
  await cluster.awaitReady();
  await cluster.kill('replica-1');
  await rejectsCode(cluster.awaitReady(50), 'NOT_READY', /not ready after 50 ms: no replica leads/);
  await cluster.kill('replica-2');
  await rejectsCode(cluster.awaitReady(), 'NOT_READY', /no majority/);
});

test('a taken port fails the start before --fresh removes anything', async (context) => {
  const first = make(context);
  await first.start();
  await first.stop();
  const taken = createServer().listen(context.port + 122, '127.0.0.1');
  await once(taken, 'listening');
  const second = make(context, { fresh: true });
  await rejectsCode(
    second.start(),
    'PORT_TAKEN',
    new RegExp(`${context.port + 122} \\(the peer port of replica-2\\)`),
  );
  assert.ok(existsSync(join(context.dataDir, 'secret')));
  taken.close();
  await second.start();
});

test('rejects options out of bounds, and calls before the start', async (context) => {
  assert.throws(() => make(context, { replicas: 4 }), /replicas must/);
  await rejectsCode(make(context).awaitReady(), 'BAD_PROCESS', /not started/);
});

test('the processes of a killed supervisor end, and its lock is free', async (context) => {
  const supervisor = spawn(process.execPath, [SUPERVISOR, context.dataDir, String(context.port)]);
  context.children.push(supervisor);
  let output = '';
  supervisor.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await until(() => output.includes('supervisor is ready'));
  await rejectsCode(
    make(context, { port: await findFreeBasePort(3, 2) }).start(),
    'ALREADY_RUNNING',
    /already runs/,
  );
  const processes = readClusterFile(context.dataDir)?.processes ?? [];
  assert.is(processes.length, 6);
  // A paused process cannot notice that its supervisor has ended: the next supervisor resumes it.
  const paused = processes.find(({ id }) => id === 'replica-2')?.pid ?? 0;
  process.kill(paused, 'SIGSTOP');
  supervisor.kill('SIGKILL');
  await once(supervisor, 'exit');
  const next = make(context, { frontends: 1 });
  await next.start();
  assert.is(
    processes.some(({ identity }) => isProcessAlive(identity ?? '')),
    false,
  );
  await next.awaitReady();
});

test('a cluster on a copy of a data folder does not touch the processes of the original', async (context) => {
  const original = make(context);
  await original.start();
  const before = original.describe().processes;
  const dataDir = `${context.dataDir}-copy`;
  try {
    cpSync(context.dataDir, dataDir, { recursive: true, filter: (path) => !path.endsWith('.lock') });
    const copy = make(context, { dataDir, port: await findFreeBasePort(3, 2) });
    await copy.start();
    await copy.stop();
    assert.equal(original.describe().processes, before);
    assert.ok(before.every(({ identity }) => identity !== null && isProcessAlive(identity)));
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test.run();
