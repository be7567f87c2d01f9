/**
 * `npm run bench:cost`: CPU and disk cost of an order and a cached look-up in each process, for several
 * cluster shapes.
 */
import { cpus } from 'node:os';
import { Command } from 'commander';
import {
  commandLine,
  publishPage,
  runBench,
  integerParser,
  addCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { measureShape } from './cost/measure.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import { medianRuns, type CostRun, type CostShape } from './rules/cost.js';
import { costPage } from './rules/cost-page.js';
import { interleave } from './rules/interleave.js';
import { describeMachine, machineLine } from './system/machine.js';
import { runInSession, type BenchSession } from './system/session.js';

interface CostCommandOptions extends CommonOptions {
  readonly repetitions: number;
  readonly connections: number;
  readonly seconds: number;
}

const SHAPES: readonly CostShape[] = [
  { replicas: 1, frontends: 1 },
  { replicas: 3, frontends: 1 },
  { replicas: 5, frontends: 1 },
  { replicas: 3, frontends: 2 },
  { replicas: 3, frontends: 3 },
];

async function measure(session: BenchSession, options: CostCommandOptions): Promise<void> {
  const { repetitions, connections, seconds } = options;
  const machine = describeMachine();
  const progress = new ProgressBar(repetitions * SHAPES.length);
  const all: CostRun[] = [];
  for (const { repetition, condition: shape } of interleave(SHAPES, repetitions)) {
    const { replicas, frontends } = shape;
    progress.begin(`repetition ${repetition + 1}: ${replicas} replicas, ${frontends} front-ends`);
    all.push(...(await measureShape(session, shape, options)));
    progress.end();
  }
  progress.finish();
  const results = new Results(options.name);
  const command = commandLine('bench:cost');
  const runs = medianRuns(all);
  results.json({ machine, command, options, runs, all });
  const page = costPage({
    ...{ machine: machineLine(machine), command, cores: cpus().length },
    ...{ connections, seconds, repetitions, runs },
  });
  publishPage(results, options, page);
}

const command = addCommonOptions(
  new Command('npm run bench:cost --').description(
    'Measures CPU, syncs and disk bytes per order, and CPU per cached look-up, in each process, with 1, 3 and 5 replicas ' +
      'and 1 to 3 front-ends. Predicts the capacity of 3 machines of 8 cores. Writes to bench/results/<name>/.',
  ),
  'cost',
)
  .option('--repetitions <n>', 'measurements of each cluster shape', integerParser(1, 100), 3)
  .option('--connections <n>', 'connections to each front-end', integerParser(1, 1024), 64)
  .option('--seconds <n>', 'duration of each measurement in s', integerParser(1, 600), 4)
  .action(async (options: CostCommandOptions) => runInSession(async (session) => measure(session, options)));

await runBench(command);
