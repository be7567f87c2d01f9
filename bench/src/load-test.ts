/** `npm run load`: a fixed number of requests at a constant rate, then a ramp of connections. */
import { Command } from 'commander';
import {
  commandLine,
  publishPage,
  runBench,
  integerParser,
  addCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { openLoop } from './load/open-loop.js';
import { BURST_CONNECTIONS, burstSteps, runBursts } from './load-test/bursts.js';
import { OPEN_LOOP_SHARE, rampSteps, runRamp } from './load-test/ramp.js';
import { CACHED_STOCKS, requestsOf } from './load-test/requests.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import type { Burst, RampStep } from './rules/load.js';
import { loadPage } from './rules/load-page.js';
import { rampPlot } from './rules/plots/load.js';
import { REQUEST_KINDS } from './rules/client-plan.js';
import { describeMachine, machineLine } from './system/machine.js';
import { runInSession, type BenchSession } from './system/session.js';
import { TriremeCluster } from './system/trireme.js';

interface LoadOptions extends CommonOptions {
  readonly repetitions: number;
  readonly connections: number;
  readonly seconds: number;
}

/** Orders placed before the test, which order reads choose from. */
const ORDERS = 1000;

async function load(session: BenchSession, options: LoadOptions): Promise<void> {
  const machine = describeMachine();
  const { repetitions, connections, seconds } = options;
  const ramps = REQUEST_KINDS.length * rampSteps(connections);
  const progress = new ProgressBar(burstSteps(repetitions) + ramps);
  progress.begin('starting a cluster');
  const cluster = await TriremeCluster.start(session, { stocks: 10, cacheSize: CACHED_STOCKS });
  await placeOrders(cluster);
  const bursts = await runBursts(cluster, repetitions, ORDERS, progress);
  const steps: RampStep[] = [];
  for (const kind of REQUEST_KINDS) {
    const ramp = { connectionsMax: connections, seconds, orders: ORDERS };
    steps.push(...(await runRamp(cluster, kind, ramp, progress)));
  }
  await cluster.stop();
  progress.finish();
  await report(machineLine(machine), machine, options, bursts, steps);
}

async function placeOrders({ target }: TriremeCluster): Promise<void> {
  const { tally } = await openLoop({
    ...{ target, connections: BURST_CONNECTIONS, perSecond: 1000, count: ORDERS },
    next: requestsOf('order', target, 1),
  });
  if (tally.failed > 0)
    throw new Error(`orders failed; failures by reason: ${JSON.stringify(tally.failures)}`);
}

async function report(
  machine: string,
  details: object,
  options: LoadOptions,
  bursts: readonly Burst[],
  steps: readonly RampStep[],
): Promise<void> {
  const results = new Results(options.name);
  const command = commandLine('load');
  results.csv('bursts', {
    columns: [
      'repetition',
      'request',
      'count',
      'per_second',
      'mean_ms',
      'p50_ms',
      'p90_ms',
      'p99_ms',
      'max_ms',
    ],
    rows: bursts.map(({ repetition, kind, requests, perSecond, latency: { mean, p50, p90, p99, max } }) => [
      ...[repetition + 1, kind, requests, perSecond, mean, p50, p90, p99, max],
    ]),
  });
  results.csv('ramp', {
    columns: [
      'request',
      'connections',
      'per_second',
      'closed_p50_ms',
      'closed_p99_ms',
      'paced_per_second',
      'paced_mean_ms',
      'paced_p50_ms',
      'paced_p99_ms',
    ],
    rows: steps.map(({ kind, connections, perSecond, closed, pacedPerSecond, paced }) => [
      ...[
        kind,
        connections,
        perSecond,
        closed.p50,
        closed.p99,
        pacedPerSecond,
        paced.mean,
        paced.p50,
        paced.p99,
      ],
    ]),
  });
  results.json({ machine: details, command, options, bursts, ramp: steps });
  const plot = await results.plot('ramp', 'Throughput and latency over connections', rampPlot(steps));
  const page = loadPage(bursts, steps, {
    ...{ machine, command, plot, pace: OPEN_LOOP_SHARE, burstConnections: BURST_CONNECTIONS },
    ...{ repetitions: options.repetitions, seconds: options.seconds },
  });
  publishPage(results, options, page);
}

const command = addCommonOptions(
  new Command('npm run load --').description(
    'Sends 1000 look-ups, 1000 order reads and 100 orders at a constant rate. Then sends each type over more and more ' +
      'connections until throughput stops rising. Latencies at a constant rate count from the intended start. ' +
      'Writes to bench/results/<name>/.',
  ),
  'load',
)
  .option(
    '--repetitions <n>',
    'repetitions of the constant-rate part; confidence intervals need at least 2',
    integerParser(1, 100),
    3,
  )
  .option('--connections <n>', 'maximum number of connections', integerParser(1, 4096), 512)
  .option('--seconds <n>', 'duration of each closed and each open loop in s', integerParser(1, 600), 3)
  .action(async (options: LoadOptions) => runInSession(async (session) => load(session, options)));

await runBench(command);
