/** End-to-end tests of the scripts on real processes: start, shop, crash, export, stop, restart. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findFreeBasePort, readClusterFile, readSecret } from '@trireme/cluster';
import { ROOT } from './root.js';

interface Started {
  readonly child: ChildProcess;
  output(): string;
  ended: Promise<number | null>;
}

interface Context {
  dataDir: string;
  port: number;
  running: Started[];
}

const test = suite<Context>('scripts');

test.before.each(async (context) => {
  context.dataDir = mkdtempSync(join(tmpdir(), 'trireme-e2e-'));
  context.port = await findFreeBasePort(3, 2);
  context.running = [];
});

test.after.each(async ({ running, dataDir }) => {
  for (const { child, ended } of running) {
    child.kill('SIGTERM');
    await ended;
  }
  rmSync(dataDir, { recursive: true });
});

function run(script: string, ...args: string[]): Started {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => output, ended };
}

async function runToEnd(script: string, ...args: string[]): Promise<string> {
  const started = run(script, ...args);
  const code = await started.ended;
  assert.is(code, 0, `${script} ${args.join(' ')}: ${started.output()}`);
  return started.output();
}

async function startCluster(context: Context, ...args: string[]): Promise<Started> {
  const started = run(
    'scripts/dist/start.js',
    ...['--data', context.dataDir, '--port', String(context.port), '--frontends', '2', '--verbose', ...args],
  );
  context.running.push(started);
  while (!started.output().includes(`ready http://127.0.0.1:${context.port + 1}\n`)) {
    assert.is(started.child.exitCode, null, started.output());
    await delay(20);
  }
  return started;
}

/** The exported order book, once all replicas have the same book and nothing is pending. */
async function equalBooks({ dataDir }: Context): Promise<string> {
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

test('ignores a seed file that differs from the one of the first start, with a warning', async (context) => {
  const { dataDir, port } = context;
  const seedFile = `${dataDir}-seed.json`;
  const seedWith = (quantity: number): void =>
    writeFileSync(seedFile, JSON.stringify([{ name: 'ACME', price: 1.5, quantity }]));
  const stocks = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/stocks`)).text();
  const warned = (started: Started): number =>
    started.output().split('seed file ignored: the cluster was created with another seed').length - 1;
  try {
    seedWith(7);
    const first = await startCluster(context, '--seed-file', seedFile);
    const seeded = await stocks();
    assert.is(seeded, '{"data":[{"name":"ACME","price":1.50,"quantity":7}],"next":null}');
    first.child.kill('SIGTERM');
    await first.ended;
    assert.is(warned(first), 0, 'no warning at the first start');
    for (const [quantity, warnings] of [
      [7, 0],
      [8, 3],
    ] as const) {
      seedWith(quantity);
      const again = await startCluster(context, '--seed-file', seedFile);
      assert.is(await stocks(), seeded);
      assert.is(warned(again), warnings, 'one warning of each replica');
      again.child.kill('SIGTERM');
      await again.ended;
    }
  } finally {
    rmSync(seedFile);
  }
});

test('each process logs the request id of a request, and logs that it stops', async (context) => {
  const started = await startCluster(context, '--log-level', 'debug');
  const response = await fetch(`http://127.0.0.1:${context.port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'followed-17' },
    body: '{"name":"AAPL","type":"buy","quantity":1}',
  });
  assert.is(response.headers.get('x-request-id'), 'followed-17');
  await response.arrayBuffer();
  // Both catalogs log the request: the set removes duplicates.
  const logged = (): readonly string[] => [
    ...new Set(
      linesOf(context)
        .filter(({ requestId }) => requestId === 'followed-17')
        .map(({ service, msg }) => `${service}: ${msg}`),
    ),
  ];
  const expected = [
    'frontend: command received',
    'replica: command taken',
    'replica: command logged',
    'catalog: command decided',
    'replica: command decided',
    'frontend: command answered',
  ];
  while (logged().length < expected.length) await delay(20);
  assert.equal([...logged()].sort(), [...expected].sort());
  started.child.kill('SIGTERM');
  assert.is(await started.ended, 0, started.output());
  const ends = linesOf(context).filter(({ msg }) => msg === 'stopping' || msg === 'stopped');
  for (const process of new Set(ends.map(({ service, id }) => `${service} ${id}`))) {
    const messages = ends.filter(({ service, id }) => `${service} ${id}` === process).map(({ msg }) => msg);
    assert.equal(messages, ['stopping', 'stopped'], process);
  }
  assert.is(ends.length, 2 * 7, 'two catalogs, three replicas, two front-ends');
});

interface LogLine {
  readonly service: string;
  readonly id: string;
  readonly msg: string;
  readonly requestId?: string;
}

/** All complete lines in the logs of all processes. */
function linesOf({ dataDir }: Context): readonly LogLine[] {
  const folder = join(dataDir, 'logs');
  return readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine),
  );
}

test('a start on a data folder in use, or on a taken port, fails and changes nothing', async (context) => {
  const first = await startCluster(context);
  const second = run('scripts/dist/start.js', '--data', context.dataDir, '--port', '9000', '--fresh');
  assert.is(await second.ended, 69);
  assert.match(second.output(), /^error: a cluster already runs on /);
  const other = join(context.dataDir, 'other');
  const taken = run('scripts/dist/start.js', '--data', other, '--port', String(context.port));
  assert.is(await taken.ended, 69);
  assert.match(taken.output(), new RegExp(`^error: port ${context.port} \\(frontend-1\\) is taken`));
  assert.equal(readdirSync(other), ['lock']);
  first.child.kill('SIGINT');
  assert.is(await first.ended, 0);
  assert.ok(existsSync(join(context.dataDir, 'replica-1')));
  assert.not.ok(readdirSync(context.dataDir).some((name) => name.endsWith('.lock')));
});

test.run();
