/** `npm run bench:restart`: fills a book, and tells what it costs to start a replica with it. */
import { Command } from 'commander';
import {
  calledAs,
  finish,
  runBench,
  wholeNumber,
  withCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import { restart, storedBy } from './restart/measure.js';
import { restartPage, type Restart } from './rules/restart.js';
import { runSoak } from './soak/run.js';
import { describeMachine, machineLine } from './system/machine.js';
import { withSession, type Session } from './system/session.js';
import { Trireme } from './system/trireme.js';

interface RestartOptions extends CommonOptions {
  readonly orders: number;
}

/** About how many orders are placed while a replica is started and watched. */
const ORDERS_PER_RESTART = 100_000;

async function measure(session: Session, options: RestartOptions): Promise<void> {
  const { orders } = options;
  const machine = describeMachine();
  const steps = orders / ORDERS_PER_RESTART;
  const progress = new ProgressBar(steps + 3);
  const trireme = await Trireme.start(session, { stocks: 10, cacheSize: null });
  const { windows } = await runSoak(trireme, orders, progress, steps);
  const stored = storedBy(trireme);
  const restarts: Restart[] = [];
  const leader = await trireme.cluster.leader();
  const followers = ['replica-1', 'replica-2', 'replica-3'].filter((name) => name !== leader);
  for (const [replica, after] of [
    [followers[0], 'SIGTERM'],
    [followers[1], 'SIGKILL'],
    [leader, 'SIGKILL'],
  ] as const) {
    if (replica === undefined || replica === null) throw new Error('no replica leads');
    progress.begin(`${replica} starts after ${after}`);
    restarts.push(await restart(trireme, replica, after, orders));
    progress.end();
  }
  await trireme.stop();
  progress.finish();
  const results = new Results(options.name);
  const command = calledAs('bench:restart');
  results.json({ machine, command, options, windows, stored, restarts });
  const page = restartPage({ machine: machineLine(machine), command, orders, windows, stored, restarts });
  finish(results, options, page);
}

const command = withCommonOptions(
  new Command('npm run bench:restart --').description(
    'Places so many orders, then ends and starts replicas: time until ready, memory, and what is on disk. ' +
      'Writes to bench/results/<name>/.',
  ),
  'restart',
)
  .option('--orders <n>', 'in the book', wholeNumber(1000, 1e8), 1_000_000)
  .action(async (options: RestartOptions) => withSession(async (session) => measure(session, options)));

await runBench(command);
