/** Copied data folders on real processes: a cluster uses the addresses from its flags, not those in its log. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TriremeClient } from '@trireme/client';
import { InternalClient, LocalCluster, findFreeBasePort, readSecret } from '@trireme/cluster';

interface Context {
  folder: string;
  clusters: LocalCluster[];
}

const test = suite<Context>('copies');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-copies-'));
  context.clusters = [];
});
test.after.each(async ({ folder, clusters }) => {
  for (const cluster of clusters) await cluster.stop();
  rmSync(folder, { recursive: true });
});

async function start({ clusters }: Context, dataDir: string, port: number): Promise<LocalCluster> {
  const cluster = new LocalCluster({ dataDir, port, output: () => undefined });
  clusters.push(cluster);
  await cluster.start();
  await cluster.awaitReady();
  return cluster;
}

/** Places an order, and returns the numbers of all orders. */
async function order({ urls }: LocalCluster): Promise<number[]> {
  const client = new TriremeClient({ url: urls[0] ?? '' });
  try {
    await client.order({ name: 'AAPL', type: 'buy', quantity: 1 });
    return (await client.orders({ limit: 100 })).data.map(({ number }) => number);
  } finally {
    await client.close();
  }
}

/** Makes every replica drop its log, so that only the snapshot contains the group and its addresses. */
async function compact(cluster: LocalCluster): Promise<void> {
  const calls = new InternalClient({ secret: readSecret(cluster.dataDir), tls: null });
  for (const { role, url } of cluster.describe().processes) {
    if (role !== 'replica') continue;
    const answer = await calls.requestJson(`${url}/snapshot`, 10_000, { keep: 0 });
    assert.is(answer?.status, 200, url);
  }
  await calls.close();
}

async function tagged(
  { urls }: LocalCluster,
  path: string,
  ifNoneMatch: string,
): Promise<{ status: number; tag: string }> {
  const response = await fetch(`${urls[0] ?? ''}${path}`, { headers: { 'if-none-match': ifNoneMatch } });
  await response.arrayBuffer();
  return { status: response.status, tag: response.headers.get('etag') ?? '' };
}

async function terms(cluster: LocalCluster): Promise<unknown[]> {
  const replicas = cluster.describe().processes.filter(({ role }) => role === 'replica');
  return Promise.all(
    replicas.map(async ({ url }) => {
      const status = (await (await fetch(`${url}/status`)).json()) as { term: number };
      return status.term;
    }),
  );
}

test('copy of a cluster with a compacted log, started on other ports, is independent of the original', async (context) => {
  const [data, copy] = [join(context.folder, 'data'), join(context.folder, 'copy')];
  const port = await findFreeBasePort(3, 1);
  const first = await start(context, data, port);
  assert.equal(await order(first), [1]);
  await compact(first);
  await first.stop();
  cpSync(data, copy, { recursive: true });
  const original = await start(context, data, port);
  const before = await terms(original);
  const copied = await start(context, copy, await findFreeBasePort(3, 1));
  assert.equal(await order(copied), [1, 2]);
  assert.equal(await order(copied), [1, 2, 3]);
  assert.equal(await order(original), [1, 2], 'only orders of the original');
  assert.equal(await terms(original), before);
  for (const path of ['/stocks/AAPL', '/orders/1']) {
    const kept = await tagged(original, path, '');
    assert.equal(await tagged(original, path, kept.tag), { status: 304, tag: kept.tag });
    const other = await tagged(copied, path, kept.tag);
    assert.is(other.status, 200, 'an ETag of the original does not match in the copy');
  }
});

test.run();
