/** Folders restored from an older copy, on real processes: what is told to the operator, and that it helps. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ClientError, TriremeClient } from '@trireme/client';
import { LocalCluster, findFreeBasePort } from '@trireme/cluster';

interface Context {
  folder: string;
  port: number;
}

const test = suite<Context>('old copy');
const ORDER = { name: 'AAPL', type: 'buy', quantity: 1 } as const;

test.before(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-old-copy-'));
  context.port = await findFreeBasePort(1, 1);
});

test.after(({ folder }) => rmSync(folder, { recursive: true }));

/** Runs a cluster of one replica on the folder `data` while `work` is under way. */
async function running<T>(
  { folder, port }: Context,
  work: (cluster: LocalCluster, client: TriremeClient) => Promise<T>,
): Promise<T> {
  // A catalog that has just started waits out the leases of an earlier one before its first order.
  const options = { dataDir: join(folder, 'data'), port, replicas: 1, deadlineMs: 2_500 };
  const cluster = new LocalCluster({ ...options, output: () => undefined });
  await cluster.start();
  const client = new TriremeClient({ url: cluster.urls[0] ?? '' });
  try {
    await cluster.waitProcessReady('replica-1');
    return await work(cluster, client);
  } finally {
    await client.close();
    await cluster.stop();
  }
}

async function place(client: TriremeClient, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await client.order(ORDER);
}

test('replicas older than the catalog: nobody ends, the cause and the cure are in the log, and it cures', async (context) => {
  const data = join(context.folder, 'data');
  const replica = join(data, 'replica-1');
  const copy = join(context.folder, 'copy');
  await running(context, async (cluster, client) => {
    await cluster.waitReady();
    await place(client, 2);
  });
  cpSync(replica, copy, { recursive: true });
  await running(context, async (cluster, client) => {
    await cluster.waitReady();
    await place(client, 3);
  });
  rmSync(replica, { recursive: true });
  renameSync(copy, replica);
  const log = join(data, 'logs', 'replica-1.log');
  await running(context, async (cluster, client) => {
    const ended: string[] = [];
    cluster.on('exit', ({ name, expected }) => !expected && ended.push(name));
    let line: string | undefined;
    for (let i = 0; line === undefined && i < 1_000; i += 1) {
      line = readFileSync(log, 'utf8')
        .split('\n')
        .find((text) => text.includes('"advice"'));
      await delay(20);
    }
    const { msg, advice, decided, logged } = JSON.parse(line ?? '{}') as Record<string, unknown>;
    assert.match(String(msg), 'the catalog has decided more than this log holds');
    assert.match(String(advice), /stop the catalog, move its folder away, start it/);
    assert.ok(Number(decided) > Number(logged));
    const refused = await client.order(ORDER).catch((error: unknown) => error);
    assert.instance(refused, ClientError);
    assert.equal(ended, [], 'no process ended by itself');
    await cluster.kill('catalog', 'SIGTERM');
    renameSync(join(data, 'catalog'), join(context.folder, 'catalog-aside'));
    await cluster.startProcess('catalog');
    await cluster.waitReady();
    // An order whose outcome is not known yet may be filled between the two reads.
    let stock = 0;
    let orders = 0;
    for (let i = 0; i < 200 && (orders < 3 || stock !== 100 - orders); i += 1) {
      if (orders < 3) await client.order(ORDER).catch(() => null);
      orders = (await client.orders({ limit: 100 })).data.length;
      stock = (await client.stock('AAPL')).quantity;
      await delay(20);
    }
    assert.ok(orders >= 3, 'what the copy held is there, and orders go on');
    assert.is(stock, 100 - orders, 'stock is the seed and the book');
  });
});

test.run();
