/** `npm run soak`: places a million orders without a pause, and measures throughput and memory over time. */
import { Command } from 'commander';
import {
  commandLine,
  publishPage,
  runBench,
  integerParser,
  addCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { CACHED_STOCKS } from './load-test/requests.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import { soakPlot } from './rules/plots/soak.js';
import { soakPage } from './rules/soak.js';
import { runSoak, SOAK_CONNECTIONS } from './soak/run.js';
import { describeMachine, machineLine } from './system/machine.js';
import { runInSession, type BenchSession } from './system/session.js';
import { TriremeCluster } from './system/trireme.js';

interface SoakOptions extends CommonOptions {
  readonly orders: number;
}

async function measure(session: BenchSession, options: SoakOptions): Promise<void> {
  const machine = describeMachine();
  const progress = new ProgressBar(1);
  progress.begin('starting a cluster');
  const trireme = await TriremeCluster.start(session, { stocks: 10, cacheSize: CACHED_STOCKS });
  const soak = await runSoak(trireme, options.orders, progress, 1);
  await trireme.stop();
  progress.finish();
  const results = new Results(options.name);
  const command = commandLine('soak');
  results.csv('thousands', {
    columns: ['orders', 'per_second'],
    rows: soak.thousands.map(({ orders, perSecond }) => [orders, perSecond]),
  });
  results.json({ machine, command, options, ...soak });
  const plot = await results.plot('soak', 'Throughput and memory over the orders', soakPlot(soak));
  const page = soakPage({
    ...{ ...soak, machine: machineLine(machine), command, connections: SOAK_CONNECTIONS, plot },
  });
  publishPage(results, options, page);
}

const command = addCommonOptions(
  new Command('npm run soak --').description(
    'Places orders without a pause, and reports throughput of the first and last thousand orders and memory of each ' +
      'process. Writes to bench/results/<name>/.',
  ),
  'soak',
)
  .option('--orders <n>', 'orders to place', integerParser(1000, 1e8), 1_000_000)
  .action(async (options: SoakOptions) => runInSession(async (session) => measure(session, options)));

await runBench(command);
