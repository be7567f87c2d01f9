/** `trireme order` and `status` under failures: of a proxy, a front-end, catalogs, the leader and standard output. */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { htmlPage, TestProxy } from '@trireme/client/testing';
import { LocalCluster, findFreeBasePort } from '@trireme/cluster';
import { ROOT, TRIREME, runProgram, trireme } from '../testing/run-trireme.js';

interface Context {
  folder: string;
  dataDir: string;
  cluster: LocalCluster;
  proxy: TestProxy;
}

const test = suite<Context>('trireme order');

test.before(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-order-'));
  context.dataDir = join(context.folder, 'data');
  const port = await findFreeBasePort(1, 1);
  const { dataDir } = context;
  context.cluster = new LocalCluster({ dataDir, port, replicas: 1, output: () => undefined });
  await context.cluster.start();
  await context.cluster.awaitReady();
  context.proxy = new TestProxy(context.cluster.urls[0] ?? '');
  await context.proxy.listen();
});

test.after(async ({ cluster, folder, proxy }) => {
  await proxy.close();
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

/** Number of orders in the book. */
async function count({ dataDir }: Context): Promise<number> {
  const { stdout } = await trireme('export', '--data', dataDir);
  return stdout.trim().split('\n').length - 1;
}

test('order behind a failing proxy has an unknown outcome, and the advised command finds it out', async (context) => {
  const { proxy, folder } = context;
  const before = await count(context);
  for (const [i, forwards] of [false, true].entries()) {
    proxy.fault = (line) => (line.startsWith('POST') ? htmlPage(502, forwards) : null);
    const order = ['buy', 'AAPL', '1'];
    const options = ['--frontend', proxy.url];
    const failed = await trireme(
      'order',
      ...(forwards ? [...options, '--', ...order] : [...order, ...options]),
    );
    assert.is(failed.code, 75, failed.stderr);
    assert.match(
      failed.stderr,
      /answer with status 502 does not follow the HTTP contract \(BAD_ANSWER\)\. The outcome is unknown/,
    );
    proxy.fault = () => null;
    const advice =
      /with the same key \(it takes effect at most once\): (.*)\n$/.exec(failed.stderr)?.[1] ?? '';
    const repeated = await runProgram('sh', ['-c', advice], { cwd: folder });
    assert.is(repeated.code, 0, repeated.stderr);
    assert.match(repeated.stdout, new RegExp(`\n${before + i + 1} +AAPL +buy +1 `));
    assert.is(await count(context), before + i + 1);
  }
});

test('order behind a proxy that fails temporarily is retried with one key', async (context) => {
  const { proxy } = context;
  const before = await count(context);
  proxy.failNext('POST', htmlPage(502, false), { kind: 'cut', forwards: true }, htmlPage(504, true));
  const { code, stderr } = await trireme('order', 'buy', 'AAPL', '1', '--frontend', proxy.url);
  assert.is(code, 0, stderr);
  assert.is(await count(context), before + 1);
});

test('order that cannot be read back still prints its number and key', async (context) => {
  const { proxy } = context;
  const before = await count(context);
  proxy.fault = (line) => (line.startsWith('GET') ? htmlPage(502, false) : null);
  const args = ['order', 'sell', 'AAPL', '2', '--key', 'k7', '--json', '--frontend', proxy.url];
  const { code, stdout, stderr } = await trireme(...args);
  assert.is(code, 0);
  assert.match(
    stderr,
    new RegExp(`^placed order ${before + 1} with key k7\ncannot read its price and time: `),
  );
  const number = before + 1;
  assert.equal(JSON.parse(stdout), {
    data: [{ number, type: 'sell', name: 'AAPL', quantity: 2, price: null, time: null }],
    next: null,
  });
  proxy.fault = () => null;
});

test('a refused order exits with 1 and no advice to repeat it', async ({ dataDir }) => {
  for (const name of ['NOBODY', 'no such', 'x'.repeat(70)]) {
    const { code, stderr } = await trireme('order', 'buy', name, '1', '--data', dataDir);
    assert.is(code, 1, stderr);
    assert.match(stderr, /^error: .* \((STOCK_NOT_FOUND|INVALID_ORDER)\)\n$/);
  }
  for (const args of [
    ['rent', 'AAPL', '1'],
    ['buy', 'AAPL', '0'],
    ['buy', 'AAPL', 'many'],
  ])
    assert.is((await trireme('order', ...args, '--data', dataDir)).code, 64, args.join(' '));
});

/** A Linux device that behaves like a full disk. */
const FULL = '/dev/full';

test('order whose output cannot be written prints its number and exits with 74', async ({ dataDir }) => {
  if (!existsSync(FULL)) {
    console.log(`SKIPPED output that cannot be written: ${FULL} is missing`);
    return;
  }
  const stdout = openSync(FULL, 'w');
  const args = [TRIREME, 'order', 'buy', 'AAPL', '1', '--data', dataDir];
  const { code, stderr } = await runProgram(process.execPath, args, { stdout });
  closeSync(stdout);
  assert.is(code, 74, stderr);
  assert.match(stderr, /^placed order \d+ with key \S+\nerror: cannot write the output: ENOSPC/);
});

test('paths are relative to the folder in which npm was called', async ({ folder, dataDir }) => {
  const called = join(folder, 'elsewhere');
  mkdirSync(called, { recursive: true });
  const data = relative(called, dataDir);
  const env = { ...process.env, npm_config_update_notifier: 'false' };
  const script = ['--prefix', ROOT, 'exec', '--no', '--', 'trireme', 'stocks', 'AAPL', '--data', data];
  const byNpm = await runProgram('npm', script, { cwd: called, env });
  assert.is(byNpm.code, 0, byNpm.stderr);
  // npm runs a script in the folder of its package, with the caller's folder in INIT_CWD.
  const inPackage = {
    cwd: ROOT,
    env: { ...process.env, INIT_CWD: called, npm_package_json: join(ROOT, 'package.json') },
  };
  assert.is((await runProgram(process.execPath, [TRIREME, 'stocks', '--data', data], inPackage)).code, 0);
});

test('status shows which catalogs have authority, and exits with 69 if no replica answers', async (context) => {
  const { cluster, dataDir } = context;
  const status = async (): Promise<{ code: number | null; catalogs: Record<string, boolean> }> => {
    const { code, stdout } = await trireme('status', '--json', '--data', dataDir);
    const { catalogs } = JSON.parse(stdout) as { catalogs: { id: string; hasAuthority: boolean }[] };
    return { code, catalogs: Object.fromEntries(catalogs.map(({ id, hasAuthority }) => [id, hasAuthority])) };
  };
  for (const name of ['catalog-1', 'catalog-2']) await cluster.awaitProcessReady(name);
  assert.equal(await status(), { code: 0, catalogs: { 'catalog-1': true, 'catalog-2': true } });
  await cluster.kill('frontend-1');
  const down = await trireme('stocks', '--data', dataDir);
  assert.is(down.code, 69, down.stderr);
  const order = await trireme('order', 'buy', 'AAPL', '1', '--data', dataDir);
  assert.is(order.code, 69, 'it reached no front-end');
  await cluster.kill('catalog-1');
  const without = await status();
  assert.equal(without, { code: 0, catalogs: { 'catalog-1': false, 'catalog-2': true } });
  assert.match((await trireme('status', '--data', dataDir)).stdout, /\n1 OF 2 CATALOGS HAVE AUTHORITY/);
  await cluster.kill('replica-1');
  assert.is((await trireme('status', '--data', dataDir)).code, 69);
  await cluster.startProcess('catalog-1');
});

test.run();
