/**
 * `npm run hosts`: three hosts as network namespaces of this machine, the processes of the compose file on them, each at an
 * address of its own; the host whose replica leads is cut off by packet filters while orders flow.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { Probe, whyNoHosts } from '@trireme/cluster';
import { TriremeClient } from '@trireme/client';
import { wholeNumber } from '@trireme/service';
import { runScript } from './command-line.js';
import { Fleet, HOSTS } from './hosts/fleet.js';
import { booksAgree } from './rejoin/observe.js';
import { Orders } from './rejoin/orders.js';
import { transfer } from './trireme/members.js';
import { formatStatus, groupStatus } from './trireme/status.js';

interface HostsOptions {
  readonly seconds: number;
  readonly clients: number;
  readonly tls: boolean;
}

/** Orders flow this long before the cut and after it, in milliseconds. */
const CALM_MS = 3_000;
const READY_MS_MAX = 60_000;
const POLL_MS = 50;
/** What `Orders` sells, and how many of it the built-in seed has. */
const STOCK = { name: 'AAPL', seed: 100 } as const;

/** Waits until a replica leads and every front-end says that it is ready. */
async function ready(fleet: Fleet): Promise<void> {
  const until = performance.now() + READY_MS_MAX;
  // Processes that start on a busy machine take longer than a group that runs may be without a leader.
  while ((await fleet.client.groupNow()) === null && performance.now() < until) await delay(POLL_MS);
  await fleet.client.group();
  const probe = new Probe();
  try {
    for (const url of fleet.frontends) {
      while (!(await probe.isReady(url))) {
        if (performance.now() > until) throw new Error(`${url} is not ready`);
        await delay(POLL_MS);
      }
    }
  } finally {
    await probe.close();
  }
}

/** Cuts off host three, which leads, for so long; says after how many milliseconds another one led. */
async function cutOff(fleet: Fleet, seconds: number, signal: AbortSignal): Promise<number> {
  const { self: old, term } = await fleet.client.group();
  console.error(`cutting host three off, where ${old} leads, for ${seconds} s`);
  const startedAt = performance.now();
  await fleet.cutOff('three');
  let successorMs = Infinity;
  while (successorMs === Infinity && performance.now() - startedAt < seconds * 1000) {
    signal.throwIfAborted();
    const group = await fleet.client.groupNow();
    if (group !== null && group.self !== old && group.term > term)
      successorMs = performance.now() - startedAt;
    else await delay(POLL_MS);
  }
  await delay(Math.max(0, seconds * 1000 - (performance.now() - startedAt)), undefined, { signal });
  console.log(formatStatus(await groupStatus(fleet.client)));
  await fleet.heal();
  console.error('host three is back');
  return successorMs;
}

async function quantityOf(url: string): Promise<number> {
  const client = new TriremeClient({ url });
  const { quantity } = await client.stock(STOCK.name);
  await client.close();
  return quantity;
}

async function drill(fleet: Fleet, options: HostsOptions, signal: AbortSignal): Promise<boolean> {
  await fleet.start();
  await ready(fleet);
  for (const [host, names] of Object.entries(HOSTS)) console.error(`host ${host}: ${names.join(', ')}`);
  await transfer('3', {
    ...{ client: fleet.client, msMax: READY_MS_MAX, force: false },
    tell: (line) => console.error(line),
  });
  const flows = fleet.frontends.map((url) => new Orders(url, options.clients));
  const withLoad = async <T>(work: () => Promise<T>): Promise<T> =>
    flows.reduceRight<() => Promise<T>>(
      (inner, orders) => async () => orders.during(options.clients, inner),
      work,
    )();
  const successorMs = await withLoad(async () => {
    await delay(CALM_MS, undefined, { signal });
    const ms = await cutOff(fleet, options.seconds, signal);
    await delay(CALM_MS, undefined, { signal });
    return ms;
  });
  const filled = flows.reduce((sum, orders) => sum + orders.filled, 0);
  const failures = flows.flatMap((orders) => orders.failures);
  const slowestMs = Math.max(...flows.map((orders) => orders.slowestMs));
  for (const orders of flows) await orders.close();
  const areEqual = await booksAgree(fleet.replicas, fleet.calls, filled);
  const quantities = await Promise.all(fleet.frontends.map(quantityOf));
  const isCounted = quantities.every((quantity) => quantity === STOCK.seed + filled);
  console.log(formatStatus(await groupStatus(fleet.client)));
  for (const failure of new Set(failures)) console.error(`failed: ${failure}`);
  console.log(
    [
      `\n${filled} orders through ${flows.length} front-ends, ${failures.length} requests failed`,
      `another replica led after ${successorMs.toFixed(0)} ms; the slowest order took ${slowestMs.toFixed(0)} ms`,
      `books of all replicas: ${areEqual ? `identical, ${filled} orders each` : 'DIFFER'}`,
      `${STOCK.name}: ${STOCK.seed} and ${filled} sold make ${quantities.join(' and ')}: ${isCounted ? 'right' : 'WRONG'}`,
    ].join('\n'),
  );
  return failures.length === 0 && areEqual && isCounted && successorMs < Infinity;
}

async function run(options: HostsOptions): Promise<void> {
  const why = whyNoHosts();
  if (why !== null) {
    console.log(`SKIPPED hosts: ${why}`);
    return;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stopping.abort(new Error(`${signal} came`)));
  const fleet = await Fleet.open(options.tls);
  try {
    const isWell = await drill(fleet, options, stopping.signal);
    if (!isWell) console.error(fleet.lines.join('\n'));
    process.exitCode = isWell ? 0 : 1;
  } finally {
    await fleet.close();
    console.error('processes, hosts and data are removed');
  }
}

const command = new Command('npm run hosts --')
  .description(
    'Runs the processes of infra/compose on three hosts, network namespaces of this machine, and cuts off the one that leads ' +
      'while orders flow. Needs root. Exit code 1 if a request failed, books differ, or stock is lost.',
  )
  .option('--seconds <n>', 'how long the host is cut off', wholeNumber(1, 600), 20)
  .option('--clients <n>', 'orders at once through each front-end', wholeNumber(1, 256), 8)
  .option('--tls', 'mutual TLS between the processes', false)
  .action(run);

await runScript(command);
