/** `npm start` on real processes: the seed file, the logs, and a data folder or a port in use. */
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { run, startCluster, startSuite, type StartContext, type Started } from './testing/start.js';

const test = startSuite('npm start');

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
function linesOf({ dataDir }: StartContext): readonly LogLine[] {
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
