/** `npm start` on a data folder that another container uses and on a full disk, with real processes as root. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findFreeBasePort, readClusterFile } from '@trireme/cluster';
import { ROOT } from './root.js';

const START = join(ROOT, 'scripts/dist/start.js');

/** Large enough for a new cluster, small enough to fill fast. */
const DISK_MIB = 64;

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

interface Context {
  folder: string;
  dataDir: string;
  started: Started[];
  isMounted: boolean;
}

const test = suite<Context>('data folder in use');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-disk-'));
  context.dataDir = join(context.folder, 'data');
  context.started = [];
  context.isMounted = false;
});

test.after.each(async ({ folder, dataDir, started, isMounted }) => {
  for (const { child, ended } of started) {
    child.kill('SIGTERM');
    await ended;
  }
  if (isMounted) execFileSync('umount', [dataDir]);
  rmSync(folder, { recursive: true });
});

const skipReason = process.platform === 'linux' && process.getuid?.() === 0 ? null : 'requires root on Linux';

function testAsRoot(name: string, body: (context: Context) => Promise<void>): void {
  if (skipReason === null) test(name, body);
  else test.skip(`${name}: ${skipReason}`);
}

function run(
  context: Context,
  port: number,
  args: readonly string[],
  wrapper: readonly string[] = [],
): Started {
  const [program = '', ...argv] = [
    ...wrapper,
    ...[process.execPath, START, '--data', context.dataDir, '--port', String(port), ...args],
  ];
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const started = { child, output: () => output, ended };
  context.started.push(started);
  return started;
}

async function until(started: Started, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    assert.is(started.child.exitCode, null, started.output());
    await delay(20);
  }
}

async function startReady(context: Context, port: number): Promise<Started> {
  const started = run(context, port, []);
  await until(started, () => started.output().includes(`ready http://127.0.0.1:${port}\n`));
  return started;
}

async function placeOrder(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"AAPL","type":"sell","quantity":1}',
  });
  await response.arrayBuffer();
  return response.status;
}

/** Fills the disk of the data folder. @returns a function that frees the space again. */
function fillUp({ dataDir }: Context): () => void {
  const path = join(dataDir, '..', 'data', 'logs', 'filler');
  mkdirSync(join(dataDir, 'logs'), { recursive: true });
  for (const bytes of [1024 * 1024, 4096, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }
  return () => rmSync(path);
}

function mountDisk(context: Context): void {
  mkdirSync(context.dataDir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', context.dataDir]);
  context.isMounted = true;
}

testAsRoot('a second start in another container is refused, and --fresh removes nothing', async (context) => {
  const port = await findFreeBasePort();
  await startReady(context, port);
  const before = readFileSync(join(context.dataDir, 'cluster.json'), 'utf8');
  const elsewhere = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
  for (const args of [[], ['--fresh']]) {
    const second = run(context, await findFreeBasePort(), args, elsewhere);
    assert.is(await second.ended, 69);
    assert.match(second.output(), /^error: a cluster already runs on \S+data, here or in another container/);
  }
  assert.is(readFileSync(join(context.dataDir, 'cluster.json'), 'utf8'), before);
  assert.is(await placeOrder(port), 200);
});

testAsRoot(
  'a first start on a full disk fails with advice, and works once there is space',
  async (context) => {
    mountDisk(context);
    const port = await findFreeBasePort();
    const makeRoom = fillUp(context);
    const first = run(context, port, []);
    assert.is(await first.ended, 74);
    assert.match(
      first.output(),
      /^error: cannot lock \S+data: .*No space left.*: free space on the disk, .*\n$/,
    );
    makeRoom();
    rmSync(join(context.dataDir, 'logs'), { recursive: true });
    await startReady(context, port);
    assert.is(await placeOrder(port), 200);
  },
);

testAsRoot(
  'a full disk neither damages cluster.json nor ends the supervisor when a process is killed',
  async (context) => {
    mountDisk(context);
    const port = await findFreeBasePort();
    const started = await startReady(context, port);
    const makeRoom = fillUp(context);
    const pids =
      readClusterFile(context.dataDir)?.processes.map(({ id, pid }) => [id, pid ?? 0] as const) ?? [];
    process.kill(new Map(pids).get('frontend-1') ?? 0, 'SIGKILL');
    await until(started, () =>
      /!!! frontend-1 has exited[^]*!!! cannot write \S+cluster\.json/.test(started.output()),
    );
    assert.equal(
      readClusterFile(context.dataDir)?.processes.map(({ id }) => id),
      ['catalog-1', 'catalog-2', 'replica-1', 'replica-2', 'replica-3', 'frontend-1'],
    );
    makeRoom();
    await until(started, () => started.output().includes('!!! cluster.json is up to date again'));
    const frontend = readClusterFile(context.dataDir)?.processes.find(({ id }) => id === 'frontend-1');
    assert.is(frontend?.pid, null);
    assert.equal(
      readdirSync(context.dataDir).filter((name) => name.endsWith('.new')),
      [],
    );
  },
);

testAsRoot('an empty operator token fails the start with advice', async (context) => {
  const port = await findFreeBasePort();
  const first = await startReady(context, port);
  first.child.kill('SIGTERM');
  assert.is(await first.ended, 0);
  const token = join(context.dataDir, 'operator-token');
  writeFileSync(token, '');
  const second = run(context, port, []);
  assert.is(await second.ended, 65);
  assert.match(
    second.output(),
    /^error: .*operator-token must have 16 .* remove \S+operator-token .*a new one\n$/,
  );
  rmSync(token);
  await startReady(context, port);
  assert.ok(existsSync(token) && statSync(token).size > 16);
});

test.run();
