/** A cluster of real processes: start, shop, crash, export, stop, restart. */
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { readClusterFile, readSecret } from '@trireme/cluster';
import { runToEnd, startCluster, startSuite, type StartContext } from './testing/start.js';

const test = startSuite('cluster');

/** The exported order book, once all replicas have the same book and nothing is pending. */
async function equalBooks({ dataDir }: StartContext): Promise<string> {
  const headers = { 'x-trireme-secret': readSecret(dataDir) };
  const replicas = readClusterFile(dataDir)?.processes.filter(({ role }) => role === 'replica') ?? [];
  assert.is(replicas.length, 3);
  for (;;) {
    const [pending, books] = await Promise.all([
      Promise.all(replicas.map(async ({ url }) => pendingAt(url))),
      Promise.all(replicas.map(async ({ url }) => (await fetch(`${url}/export`, { headers })).text())),
    ]);
    if (new Set(books).size === 1 && pending.every((count) => count === 0)) {
      const exported = await runToEnd('packages/cli/bin/trireme.js', 'export', '2', '--data', dataDir);
      assert.is(exported, books[0]);
      return exported;
    }
    await delay(50);
  }
}

async function pendingAt(url: string): Promise<number> {
  return ((await (await fetch(`${url}/status`)).json()) as { pending: number }).pending;
}

/** Quantity of each stock according to a book: the seed has 100 of each. */
function quantitiesOf(book: string): Map<string, number> {
  const quantities = new Map<string, number>();
  for (const line of book.trim().split('\n').slice(1)) {
    const [, name = '', type, quantity] = line.split(',');
    const change = (type === 'sell' ? 1 : -1) * Number(quantity);
    quantities.set(name, (quantities.get(name) ?? 100) + change);
  }
  return quantities;
}

test('shoppers see no failure when the leader is killed twice, and books and stock agree', async (context) => {
  await startCluster(context);
  const { dataDir, port } = context;
  const shopping = runToEnd(
    'packages/client/dist/shop.js',
    ...['--data', dataDir, '--clients', '4', '--requests', '1500', '--p', '0.8'],
  );
  for (let i = 0; i < 2; i++) {
    const output = await runToEnd('scripts/dist/crash.js', 'leader', '--down', '0.2', '--data', dataDir);
    assert.match(output, /^killed replica-\d .*\nstarted replica-\d .*\nready replica-\d /);
  }
  const catalog = (): number | null =>
    readClusterFile(dataDir)?.processes.find(({ id }) => id === 'catalog-1')?.pid ?? null;
  process.kill(catalog() ?? 0, 'SIGKILL');
  while (catalog() !== null) await delay(20);
  const restarted = await runToEnd('scripts/dist/crash.js', 'restart', 'catalog-1', '--data', dataDir);
  assert.match(restarted, /^started catalog-1 .*\nready catalog-1\n$/);
  const report = await shopping;
  assert.match(report, /failed requests: 0\nmismatches: 0\n$/);
  const book = await equalBooks(context);
  assert.is(book.trim().split('\n').length - 1, Number(/orders: (\d+) filled/.exec(report)?.[1]));
  for (const [name, quantity] of quantitiesOf(book)) {
    const response = await fetch(`http://127.0.0.1:${port}/stocks/${name}`);
    const { data } = (await response.json()) as { data: { quantity: number } };
    assert.is(data.quantity, quantity, name);
  }
});

test('a cluster killed with SIGKILL keeps every order, and the next order continues the numbers', async (context) => {
  const first = await startCluster(context);
  const place = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${context.port}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"AAPL","type":"sell","quantity":1}',
    });
    const body = (await response.json()) as { data: { transaction_number: number } };
    return body.data.transaction_number;
  };
  const numbers = await Promise.all(Array.from({ length: 30 }, place));
  assert.equal(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  const pids = readClusterFile(context.dataDir)?.processes.map(({ pid }) => pid) ?? [];
  first.child.kill('SIGKILL');
  for (const pid of pids) if (pid !== null) process.kill(pid, 'SIGKILL');
  await first.ended;
  await startCluster(context);
  assert.is(quantitiesOf(await equalBooks(context)).get('AAPL'), 130);
  assert.is(await place(), 31);
});

test.run();
