/** `npm run bench:cost`: what an order and a cached look-up cost each process, at several shapes of cluster. */
import { cpus } from 'node:os';
import { Command } from 'commander';
import {
  calledAs,
  finish,
  runBench,
  wholeNumber,
  withCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { measureShape } from './cost/measure.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import { medianRuns, type CostRun, type CostShape } from './rules/cost.js';
import { costPage } from './rules/cost-page.js';
import { interleave } from './rules/interleave.js';
import { describeMachine, machineLine } from './system/machine.js';
import { withSession, type Session } from './system/session.js';

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

async function measure(session: Session, options: CostCommandOptions): Promise<void> {
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
  const command = calledAs('bench:cost');
  const runs = medianRuns(all);
  results.json({ machine, command, options, runs, all });
  const page = costPage({
    ...{ machine: machineLine(machine), command, cores: cpus().length },
    ...{ connections, seconds, repetitions, runs },
  });
  finish(results, options, page);
}

const command = withCommonOptions(
  new Command('npm run bench:cost --').description(
    'Measures CPU, syncs and bytes of an order, and CPU of a cached look-up, in each process, at 1, 3 and 5 replicas and 1 to ' +
      '3 front-ends; says what that predicts for 3 machines of 8 cores. Writes to bench/results/<name>/.',
  ),
  'cost',
)
  .option('--repetitions <n>', 'how often each shape is measured', wholeNumber(1, 100), 3)
  .option('--connections <n>', 'to each front-end', wholeNumber(1, 1024), 64)
  .option('--seconds <n>', 'how long each time', wholeNumber(1, 600), 4)
  .action(async (options: CostCommandOptions) => withSession(async (session) => measure(session, options)));

await runBench(command);
