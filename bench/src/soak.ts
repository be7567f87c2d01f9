/** `npm run soak`: a million orders on end, whether throughput lasts, and what memory each process has then. */
import { Command } from 'commander';
import {
  calledAs,
  finish,
  runBench,
  wholeNumber,
  withCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { CACHED } from './load-test/requests.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import { soakPlot } from './rules/plots/soak.js';
import { soakPage } from './rules/soak.js';
import { runSoak, SOAK_CONNECTIONS } from './soak/run.js';
import { describeMachine, machineLine } from './system/machine.js';
import { withSession, type Session } from './system/session.js';
import { Trireme } from './system/trireme.js';

interface SoakOptions extends CommonOptions {
  readonly orders: number;
}

async function measure(session: Session, options: SoakOptions): Promise<void> {
  const machine = describeMachine();
  const progress = new ProgressBar(1);
  progress.begin('starting a cluster');
  const trireme = await Trireme.start(session, { stocks: 10, cacheSize: CACHED });
  const soak = await runSoak(trireme, options.orders, progress, 1);
  await trireme.stop();
  progress.finish();
  const results = new Results(options.name);
  const command = calledAs('soak');
  results.csv('thousands', {
    columns: ['orders', 'per_second'],
    rows: soak.thousands.map(({ orders, perSecond }) => [orders, perSecond]),
  });
  results.json({ machine, command, options, ...soak });
  const plot = await results.plot('soak', 'Throughput and memory over the orders', soakPlot(soak));
  const page = soakPage({
    ...{ ...soak, machine: machineLine(machine), command, connections: SOAK_CONNECTIONS, plot },
  });
  finish(results, options, page);
}

const command = withCommonOptions(
  new Command('npm run soak --').description(
    'Places orders on end, and tells throughput of the first and the last thousand and memory of each process. ' +
      'Writes to bench/results/<name>/.',
  ),
  'soak',
)
  .option('--orders <n>', 'to be filled', wholeNumber(1000, 1e8), 1_000_000)
  .action(async (options: SoakOptions) => withSession(async (session) => measure(session, options)));

await runBench(command);
