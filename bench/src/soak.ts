/** Places a million orders without a pause, and measures throughput and memory over time. */
import {
  benchCommand,
  integerParser,
  type BenchRun,
  type CommonOptions,
  type Report,
} from './command-line.js';
import { ProgressBar } from './output/progress-bar.js';
import { soakPlot } from './rules/plots/soak.js';
import { CACHED_STOCKS } from './rules/requests.js';
import { soakPage } from './rules/soak.js';
import { runSoak, SOAK_CONNECTIONS } from './soak/run.js';
import { TriremeCluster } from './system/trireme.js';

interface SoakOptions extends CommonOptions {
  readonly orders: number;
}

async function soak({ session, options, results, head, details }: BenchRun<SoakOptions>): Promise<Report> {
  const progress = new ProgressBar(1);
  progress.begin('starting a cluster');
  const trireme = await TriremeCluster.start(session, { stocks: 10, cacheSize: CACHED_STOCKS });
  const measured = await runSoak(trireme, options.orders, progress, 1);
  await trireme.stop();
  progress.finish();
  results.csv('thousands', {
    columns: ['orders', 'per_second'],
    rows: measured.thousands.map(({ orders, perSecond }) => [orders, perSecond]),
  });
  results.json({ ...details, ...measured });
  const plot = await results.plot('soak', 'Throughput and memory over the orders', soakPlot(measured));
  return { page: soakPage({ ...measured, ...head, connections: SOAK_CONNECTIONS, plot }) };
}

export const soakCommand = benchCommand(
  'soak',
  'a million orders without a pause: throughput and memory over time',
  'Places orders without a pause, and reports throughput of the first and last thousand orders and memory of each ' +
    'process. Writes to bench/results/<name>/.',
  soak,
).option('--orders <n>', 'orders to place', integerParser(1000, 1e8), 1_000_000);
