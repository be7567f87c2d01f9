/**
 * `npm run faults -- rejoin --orders 100000`: changes the group with `trireme members` under load and with a large
 * order book. A wiped replica rejoins, another one replaces it, and the group grows to five and shrinks back to three.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { formatTable } from '@trireme/cli';
import { InternalClient, LocalCluster, findFreeBasePort, readSecret, serveControl } from '@trireme/cluster';
import { parseWholeNumber } from '@trireme/service';
import { TRIREME } from '../run/operator.js';
import { awaitEqualBooks, peakLeaderMemory } from './observe.js';
import { OrderLoad } from './order-load.js';

interface DrillOptions {
  readonly orders: number;
  readonly clients: number;
}

/** Concurrent orders while the book is filled. */
const FILL_CLIENTS = 64;

interface Drill {
  readonly name: string;
  /** Runs before the commands. */
  readonly before?: (cluster: LocalCluster) => Promise<void>;
  /** Arguments of the `trireme members` commands, in order. */
  readonly commands: readonly (readonly string[])[];
}

const DRILLS: readonly Drill[] = [
  {
    name: 'replica 2 is wiped and rejoins',
    before: async (cluster) => {
      await cluster.kill('replica-2');
      rmSync(join(cluster.dataDir, 'replica-2'), { recursive: true });
    },
    commands: [['rejoin', '2']],
  },
  { name: 'replica 4 replaces replica 2', commands: [['replace', '2', '4']] },
  {
    name: 'three replicas become five',
    commands: [
      ['add', '5'],
      ['add', '6'],
    ],
  },
  {
    name: 'five replicas become three',
    commands: [
      ['remove', '5'],
      ['remove', '6'],
    ],
  },
];

async function members(dataDir: string, args: readonly string[]): Promise<boolean> {
  const argv = [TRIREME, 'members', ...args, '--data', dataDir];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}

/** Runs one drill; returns its table row, and whether it succeeded. */
async function runDrill(
  drill: Drill,
  cluster: LocalCluster,
  orders: OrderLoad,
  clients: number,
): Promise<{ readonly row: readonly string[]; readonly hasPassed: boolean }> {
  console.error(`\n${drill.name}`);
  const { length: failedBefore } = orders.failures;
  const filledBefore = orders.filled;
  const startedAt = performance.now();
  const results: boolean[] = [];
  const memory = await orders.runDuring(clients, async () =>
    peakLeaderMemory(cluster, async () => {
      await drill.before?.(cluster);
      for (const command of drill.commands) results.push(await members(cluster.dataDir, command));
    }),
  );
  const isDone = results.every((result) => result);
  const seconds = (performance.now() - startedAt) / 1000;
  const calls = new InternalClient({ secret: readSecret(cluster.dataDir), tls: null });
  const replicas = cluster.describe().processes.filter(({ role }) => role === 'replica');
  const areEqual = await awaitEqualBooks(
    replicas.map(({ url }) => url),
    calls,
    orders.filled,
  );
  await calls.close();
  const failures = orders.failures.slice(failedBefore);
  for (const failure of new Set(failures)) console.error(`failed: ${failure}`);
  return {
    row: [
      drill.name,
      isDone ? 'done' : 'FAILED',
      seconds.toFixed(1),
      String(orders.filled - filledBefore),
      String(failures.length),
      areEqual ? 'identical' : 'DIFFER',
      memory.toFixed(0),
    ],
    hasPassed: isDone && areEqual && failures.length === 0,
  };
}

async function run(options: DrillOptions): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'trireme-rejoin-'));
  const port = await findFreeBasePort(3, 1);
  const cluster = new LocalCluster({ dataDir, port, output: () => undefined });
  let control: Awaited<ReturnType<typeof serveControl>> | null = null;
  let orders: OrderLoad | null = null;
  try {
    await cluster.start();
    await cluster.awaitReady();
    control = await serveControl({ cluster, secret: readSecret(dataDir), port: cluster.controlPort });
    orders = new OrderLoad(cluster.urls[0] ?? '', FILL_CLIENTS);
    console.error(`filling the order book with ${options.orders} orders`);
    await orders.place(options.orders, FILL_CLIENTS);
    let hasPassed = orders.failures.length === 0;
    if (!hasPassed)
      console.error(
        `${orders.failures.length} orders failed during the fill, first: ${orders.failures[0] ?? ''}`,
      );
    const rows = [['drill', 'command', 'seconds', 'orders meanwhile', 'failed', 'books', 'leader MiB']];
    for (const drill of DRILLS) {
      const result = await runDrill(drill, cluster, orders, options.clients);
      rows.push([...result.row]);
      hasPassed = hasPassed && result.hasPassed;
    }
    console.log(
      `\n${formatTable(rows)}\n${orders.filled} orders in the book, ${orders.failures.length} requests failed`,
    );
    process.exitCode = hasPassed ? 0 : 1;
  } finally {
    await orders?.close();
    control?.close();
    control?.closeAllConnections();
    await cluster.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export function rejoinCommand(): Command {
  return new Command('npm run faults -- rejoin')
    .description(
      'Fills the order book and then changes the group under load: a wiped replica rejoins, a replica is replaced, and ' +
        'the group grows to five voters and shrinks back to three. Exits with 1 if a request or a command fails or if ' +
        'the order books differ.',
    )
    .option(
      '--orders <n>',
      'orders in the book before the first change',
      parseWholeNumber(0, 100_000_000),
      100_000,
    )
    .option('--clients <n>', 'concurrent orders during the changes', parseWholeNumber(1, 256), 8)
    .action(run);
}
