/**
 * `npm run faults:rejoin -- --orders 100000`: with a book of full size and while orders flow, a wiped replica comes back,
 * another one replaces it, and the group grows to five and shrinks to three again, each by `trireme members`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { InternalCalls, LocalCluster, findFreeBasePort, readSecret, serveControl } from '@trireme/cluster';
import { wholeNumber } from '@trireme/service';
import { runScript } from './command-line.js';
import { booksAgree, leaderMemory } from './rejoin/observe.js';
import { Orders } from './rejoin/orders.js';
import { ROOT } from './root.js';
import { formatTable } from './trireme/table.js';

interface DrillOptions {
  readonly orders: number;
  readonly clients: number;
}

/** Orders at once while the book is filled. */
const FILLING = 64;

interface Drill {
  readonly name: string;
  /** What is done before the commands. */
  readonly before?: (cluster: LocalCluster) => Promise<void>;
  /** Arguments of `trireme members`, one command after the other. */
  readonly commands: readonly (readonly string[])[];
}

const DRILLS: readonly Drill[] = [
  {
    name: 'replica 2 is wiped, and rejoins',
    before: async (cluster) => {
      await cluster.kill('replica-2');
      rmSync(join(cluster.dataDir, 'replica-2'), { recursive: true });
    },
    commands: [['rejoin', '2']],
  },
  { name: '4 replaces 2', commands: [['replace', '2', '4']] },
  {
    name: 'three become five',
    commands: [
      ['add', '5'],
      ['add', '6'],
    ],
  },
  {
    name: 'five become three',
    commands: [
      ['remove', '5'],
      ['remove', '6'],
    ],
  },
];

async function members(dataDir: string, args: readonly string[]): Promise<boolean> {
  const argv = [join(ROOT, 'scripts/bin/trireme.js'), 'members', ...args, '--data', dataDir];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}

/** Plays one drill; gives its line of the table, and whether all went well. */
async function play(
  drill: Drill,
  cluster: LocalCluster,
  orders: Orders,
  clients: number,
): Promise<{ readonly row: readonly string[]; readonly isWell: boolean }> {
  console.error(`\n${drill.name}`);
  const { length: failedBefore } = orders.failures;
  const filledBefore = orders.filled;
  const startedAt = performance.now();
  const done: boolean[] = [];
  const memory = await orders.during(clients, async () =>
    leaderMemory(cluster, async () => {
      await drill.before?.(cluster);
      for (const command of drill.commands) done.push(await members(cluster.dataDir, command));
    }),
  );
  const isDone = done.every((one) => one);
  const seconds = (performance.now() - startedAt) / 1000;
  const calls = new InternalCalls({ secret: readSecret(cluster.dataDir), tls: null });
  const replicas = cluster.describe().processes.filter(({ role }) => role === 'replica');
  const areEqual = await booksAgree(
    replicas.map(({ url }) => url),
    calls,
    orders.filled,
  );
  await calls.close();
  const failures = orders.failures.slice(failedBefore);
  for (const failure of new Set(failures)) console.error(`failed: ${failure}`);
  return {
    row: [
      ...[drill.name, isDone ? 'done' : 'FAILED', seconds.toFixed(1), String(orders.filled - filledBefore)],
      ...[String(failures.length), areEqual ? 'identical' : 'DIFFER', memory.toFixed(0)],
    ],
    isWell: isDone && areEqual && failures.length === 0,
  };
}

async function run(options: DrillOptions): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'trireme-rejoin-'));
  const port = await findFreeBasePort(3, 1);
  const cluster = new LocalCluster({ dataDir, port, output: () => undefined });
  let control: Awaited<ReturnType<typeof serveControl>> | null = null;
  let orders: Orders | null = null;
  try {
    await cluster.start();
    await cluster.waitReady();
    control = await serveControl({ cluster, secret: readSecret(dataDir), port: cluster.controlPort });
    orders = new Orders(cluster.urls[0] ?? '', FILLING);
    console.error(`filling the book with ${options.orders} orders`);
    await orders.place(options.orders, FILLING);
    let isWell = orders.failures.length === 0;
    if (!isWell)
      console.error(`failed while filling: ${orders.failures.length}, ${orders.failures[0] ?? ''}`);
    const rows = [['drill', 'command', 'seconds', 'orders meanwhile', 'failed', 'books', 'leader MiB']];
    for (const drill of DRILLS) {
      const result = await play(drill, cluster, orders, options.clients);
      rows.push([...result.row]);
      isWell = isWell && result.isWell;
    }
    console.log(
      `\n${formatTable(rows)}\n${orders.filled} orders in the book, ${orders.failures.length} requests failed`,
    );
    process.exitCode = isWell ? 0 : 1;
  } finally {
    await orders?.close();
    control?.close();
    control?.closeAllConnections();
    await cluster.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const command = new Command('npm run faults:rejoin --')
  .description(
    'Fills the book, wipes a replica and brings it back, replaces one, grows the group to five and shrinks it to three, all ' +
      'while orders flow. Exit code 1 if a request or a command failed, or books differ.',
  )
  .option('--orders <n>', 'orders in the book before anything happens', wholeNumber(0, 100_000_000), 100_000)
  .option('--clients <n>', 'orders at once while the group changes', wholeNumber(1, 256), 8)
  .action(run);

await runScript(command);
