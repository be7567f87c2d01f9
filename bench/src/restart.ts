/** Fills an order book, and measures the restart of a replica with it. */
import {
  benchCommand,
  integerParser,
  type BenchRun,
  type CommonOptions,
  type Report,
} from './command-line.js';
import { ProgressBar } from './output/progress-bar.js';
import { measureRestart, diskUsageOf } from './restart/measure.js';
import { restartPage, type RestartMeasurement } from './rules/restart.js';
import { runSoak } from './soak/run.js';
import { TriremeCluster } from './system/trireme.js';

interface RestartOptions extends CommonOptions {
  readonly orders: number;
}

/** Approximate number of orders that can be placed in the time of one restart, for the progress bar. */
const ORDERS_PER_RESTART = 100_000;

async function restart({
  session,
  options,
  results,
  head,
  details,
}: BenchRun<RestartOptions>): Promise<Report> {
  const { orders } = options;
  const steps = orders / ORDERS_PER_RESTART;
  const progress = new ProgressBar(steps + 3);
  const trireme = await TriremeCluster.start(session, { stocks: 10, cacheSize: null });
  const { windows } = await runSoak(trireme, orders, progress, steps);
  const stored = diskUsageOf(trireme);
  const restarts: RestartMeasurement[] = [];
  const leader = await trireme.cluster.leaderName();
  const followers = ['replica-1', 'replica-2', 'replica-3'].filter((name) => name !== leader);
  for (const [replica, after] of [
    [followers[0], 'SIGTERM'],
    [followers[1], 'SIGKILL'],
    [leader, 'SIGKILL'],
  ] as const) {
    if (replica === undefined || replica === null) throw new Error('the cluster has no leader to restart');
    progress.begin(`restarting ${replica} after ${after}`);
    restarts.push(await measureRestart(trireme, replica, after, orders));
    progress.end();
  }
  await trireme.stop();
  progress.finish();
  results.json({ ...details, windows, stored, restarts });
  return { page: restartPage({ ...head, orders, windows, stored, restarts }) };
}

export const restartCommand = benchCommand(
  'restart',
  'restart of a replica with a million orders: time until ready, memory, disk usage',
  'Places orders, then restarts replicas, and measures time until ready, memory, and disk usage. ' +
    'Writes to bench/results/<name>/.',
  restart,
).option('--orders <n>', 'orders in the book', integerParser(1000, 1e8), 1_000_000);
