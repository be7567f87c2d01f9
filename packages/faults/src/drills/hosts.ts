/**
 * `npm run faults -- hosts`: runs the processes of the compose file on three hosts, which are network namespaces of this machine.
 * Each process has its own address. Packet filters isolate the leader's host under load.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { formatStatus, groupStatus, transferLeadership } from '@trireme/cli';
import { Probe, hostNetworkProblem } from '@trireme/cluster';
import { TriremeClient } from '@trireme/client';
import { parseWholeNumber } from '@trireme/service';
import { HostedCluster, HOSTS } from './hosted-cluster.js';
import { awaitEqualBooks } from './observe.js';
import { OrderLoad } from './order-load.js';

interface HostsOptions {
  readonly seconds: number;
  readonly clients: number;
  readonly tls: boolean;
}

/** Time under load before and after the partition, in milliseconds. */
const CALM_MS = 3_000;
const READY_MS_MAX = 60_000;
const POLL_MS = 50;
/** The stock that `OrderLoad` sells, and its quantity in the built-in seed. */
const STOCK = { name: 'AAPL', seed: 100 } as const;

/** Waits until a replica leads and every front-end is ready. */
async function waitReady(fleet: HostedCluster): Promise<void> {
  const until = performance.now() + READY_MS_MAX;
  // On a busy machine a first election may take longer than `group` waits for a leader.
  while ((await fleet.client.tryGroup()) === null && performance.now() < until) await delay(POLL_MS);
  await fleet.client.group();
  const probe = new Probe();
  try {
    for (const url of fleet.frontends) {
      while (!(await probe.isReady(url))) {
        if (performance.now() > until) throw new Error(`${url} is not ready after ${READY_MS_MAX} ms`);
        await delay(POLL_MS);
      }
    }
  } finally {
    await probe.close();
  }
}

/** Isolates host three, which leads, for `seconds`. Returns the milliseconds until another replica led. */
async function cutOff(fleet: HostedCluster, seconds: number, signal: AbortSignal): Promise<number> {
  const { self: old, term } = await fleet.client.group();
  console.error(`isolating host three, whose replica ${old} leads, for ${seconds} s`);
  const startedAt = performance.now();
  await fleet.isolate('three');
  let successorMs = Infinity;
  while (successorMs === Infinity && performance.now() - startedAt < seconds * 1000) {
    signal.throwIfAborted();
    const group = await fleet.client.tryGroup();
    if (group !== null && group.self !== old && group.term > term)
      successorMs = performance.now() - startedAt;
    else await delay(POLL_MS);
  }
  await delay(Math.max(0, seconds * 1000 - (performance.now() - startedAt)), undefined, { signal });
  console.log(formatStatus(await groupStatus(fleet.client)));
  await fleet.heal();
  console.error('host three is reconnected');
  return successorMs;
}

async function quantityOf(url: string): Promise<number> {
  const client = new TriremeClient({ url });
  const { quantity } = await client.stock(STOCK.name);
  await client.close();
  return quantity;
}

async function drill(fleet: HostedCluster, options: HostsOptions, signal: AbortSignal): Promise<boolean> {
  await fleet.start();
  await waitReady(fleet);
  for (const [host, names] of Object.entries(HOSTS)) console.error(`host ${host}: ${names.join(', ')}`);
  await transferLeadership('3', {
    client: fleet.client,
    timeoutMs: READY_MS_MAX,
    force: false,
    onProgress: (line) => console.error(line),
  });
  const loads = fleet.frontends.map((url) => new OrderLoad(url, options.clients));
  const withLoad = async <T>(work: () => Promise<T>): Promise<T> =>
    loads.reduceRight<() => Promise<T>>(
      (inner, orders) => async () => orders.runDuring(options.clients, inner),
      work,
    )();
  const successorMs = await withLoad(async () => {
    await delay(CALM_MS, undefined, { signal });
    const ms = await cutOff(fleet, options.seconds, signal);
    await delay(CALM_MS, undefined, { signal });
    return ms;
  });
  const filled = loads.reduce((sum, orders) => sum + orders.filled, 0);
  const failures = loads.flatMap((orders) => orders.failures);
  const slowestMs = Math.max(...loads.map((orders) => orders.slowestMs));
  for (const orders of loads) await orders.close();
  const areEqual = await awaitEqualBooks(fleet.replicas, fleet.calls, filled);
  const quantities = await Promise.all(fleet.frontends.map(quantityOf));
  const isStockCorrect = quantities.every((quantity) => quantity === STOCK.seed + filled);
  console.log(formatStatus(await groupStatus(fleet.client)));
  for (const failure of new Set(failures)) console.error(`failed: ${failure}`);
  console.log(
    [
      `\n${filled} orders through ${loads.length} front-ends, ${failures.length} requests failed`,
      `another replica led after ${successorMs.toFixed(0)} ms; the slowest order took ${slowestMs.toFixed(0)} ms`,
      `order books of all replicas: ${areEqual ? `identical, ${filled} orders each` : 'DIFFER'}`,
      `${STOCK.name}: seed ${STOCK.seed} + sells ${filled} = ${quantities.join(' and ')}: ${isStockCorrect ? 'correct' : 'WRONG'}`,
    ].join('\n'),
  );
  return failures.length === 0 && areEqual && isStockCorrect && successorMs < Infinity;
}

async function run(options: HostsOptions): Promise<void> {
  const why = hostNetworkProblem();
  if (why !== null) {
    console.log(`SKIPPED npm run faults -- hosts: ${why}`);
    return;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
  const fleet = await HostedCluster.open(options.tls);
  try {
    const hasPassed = await drill(fleet, options, stopping.signal);
    if (!hasPassed) console.error(fleet.lines.join('\n'));
    process.exitCode = hasPassed ? 0 : 1;
  } finally {
    await fleet.close();
    console.error('removed all processes, hosts and data');
  }
}

export function hostsCommand(): Command {
  return new Command('npm run faults -- hosts')
    .description(
      'Runs the processes of infra/compose on three hosts (network namespaces of this machine) and isolates the host ' +
        'of the leader under load. Requires root. Exits with 1 if a request fails, order books differ or stock is wrong.',
    )
    .option('--seconds <n>', 'seconds that the host is isolated', parseWholeNumber(1, 600), 20)
    .option('--clients <n>', 'concurrent orders through each front-end', parseWholeNumber(1, 256), 8)
    .option('--tls', 'use mutual TLS between the processes', false)
    .action(run);
}
