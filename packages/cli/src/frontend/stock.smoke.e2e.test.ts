/** `trireme stock` and `trireme doctor` as processes, against a cluster of real processes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalCluster, findFreeBasePort } from '@trireme/cluster';
import { trireme, type Ended } from '../testing/run-trireme.js';

interface Context {
  dataDir: string;
  cluster: LocalCluster;
}

const test = suite<Context>('trireme stock and doctor');

test.before(async (context) => {
  context.dataDir = mkdtempSync(join(tmpdir(), 'trireme-stock-'));
  const port = await findFreeBasePort(1, 1);
  const { dataDir } = context;
  context.cluster = new LocalCluster({ dataDir, port, replicas: 1, output: () => undefined });
  await context.cluster.start();
  await context.cluster.awaitReady();
});

test.after(async ({ cluster, dataDir }) => {
  await cluster.stop();
  rmSync(dataDir, { recursive: true });
});

test('stock lists, prices and restocks a stock with the operator token', async ({ dataDir }) => {
  const stock = async (...args: string[]): Promise<Ended> => trireme('stock', ...args, '--data', dataDir);
  const dataOf = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await stock(...args, '--json');
    assert.is(code, 0, stderr);
    return (JSON.parse(stdout) as { data: unknown }).data;
  };
  assert.equal(await dataOf('set', 'NEWCO', '12.5'), [{ name: 'NEWCO', price: 12.5, quantity: 0 }]);
  const added = [{ name: 'NEWCO', price: 12.5, quantity: 40 }];
  assert.equal(await dataOf('restock', 'NEWCO', '40', '--key', 'r1'), added);
  assert.equal(
    await dataOf('restock', 'NEWCO', '40', '--key', 'r1'),
    added,
    'the same key adds the units once',
  );
  assert.equal(await dataOf('set', 'NEWCO', '13'), [{ name: 'NEWCO', price: 13, quantity: 40 }]);
  assert.match(
    (await stock('restock', 'NEWCO', '1')).stdout,
    /^stock +price +quantity\nNEWCO +13\.00 +41\n$/,
  );
  for (const args of [
    ['set', 'NEWCO', '-1'],
    ['set', 'NEWCO', '1.234'],
    ['restock', 'NEWCO', '0'],
    ['restock', 'NEWCO'],
  ])
    assert.is((await stock(...args)).code, 64, args.join(' '));
  const unknown = await stock('restock', 'NOBODY', '1');
  assert.is(unknown.code, 1);
  assert.match(unknown.stderr, /STOCK_NOT_FOUND/);
  const token = join(dataDir, 'wrong');
  writeFileSync(token, 'not the token');
  const denied = await stock('set', 'NEWCO', '1', '--operator-token-file', token);
  rmSync(token);
  assert.is(denied.code, 77, denied.stderr);
  assert.match(denied.stderr, /UNAUTHORIZED/);
});

test('doctor refuses data in use and examines a stopped replica', async ({ cluster, dataDir }) => {
  const doctor = async (folder: string): Promise<Ended> =>
    trireme('doctor', '--json', '--data', join(dataDir, folder));
  assert.is((await doctor('replica-1')).code, 75);
  await cluster.kill('replica-1', 'SIGTERM');
  const { code, stdout } = await doctor('replica-1');
  assert.is(code, 0, stdout);
  assert.match(stdout, /"condition": "(whole|mends)"/);
  assert.is((await doctor('logs')).code, 64);
  await cluster.startProcess('replica-1');
  await cluster.awaitProcessReady('replica-1');
});

test.run();
