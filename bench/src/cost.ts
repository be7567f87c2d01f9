/** CPU and disk cost of an order and a cached look-up in each process, for several cluster shapes. */
import { cpus } from 'node:os';
import {
  benchCommand,
  integerParser,
  type BenchRun,
  type CommonOptions,
  type Report,
} from './command-line.js';
import { measureShape } from './cost/measure.js';
import { findTool } from './generator/peak.js';
import { ProgressBar } from './output/progress-bar.js';
import { medianRuns, type CostRun, type CostShape } from './rules/cost.js';
import { costPage } from './rules/cost-page.js';
import { interleave } from './rules/interleave.js';

interface CostOptions extends CommonOptions {
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

async function cost({ session, options, results, head, details }: BenchRun<CostOptions>): Promise<Report> {
  const { repetitions, connections, seconds } = options;
  const tool = await findTool('auto');
  const progress = new ProgressBar(repetitions * SHAPES.length);
  const all: CostRun[] = [];
  for (const { repetition, condition: shape } of interleave(SHAPES, repetitions)) {
    const { replicas, frontends } = shape;
    progress.begin(`repetition ${repetition + 1}: ${replicas} replicas, ${frontends} front-ends`);
    all.push(...(await measureShape(session, shape, { tool, connections, seconds })));
    progress.end();
  }
  progress.finish();
  const runs = medianRuns(all);
  results.json({ ...details, tool, runs, all });
  const page = costPage({ ...head, cores: cpus().length, connections, seconds, repetitions, tool, runs });
  return { page };
}

export const costCommand = benchCommand(
  'cost',
  'CPU, syncs and disk bytes per request in each process, and a model of the capacity',
  'Measures CPU, syncs and disk bytes per order, and CPU per cached look-up, in each process, with 1, 3 and 5 replicas ' +
    'and 1 to 3 front-ends. Predicts the capacity of 3 machines of 8 cores. Writes to bench/results/<name>/.',
  cost,
)
  .option('--repetitions <n>', 'measurements of each cluster shape', integerParser(1, 100), 3)
  .option('--connections <n>', 'connections to each front-end', integerParser(1, 1024), 64)
  .option('--seconds <n>', 'duration of each measurement in s', integerParser(1, 600), 4);
