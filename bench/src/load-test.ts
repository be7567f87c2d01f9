/** `npm run load`: a number of requests at an even rate, and rising connections. */
import { Command } from 'commander';
import {
  calledAs,
  finish,
  runBench,
  wholeNumber,
  withCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { openLoop } from './load/open-loop.js';
import { BURST_CONNECTIONS, burstSteps, runBursts } from './load-test/bursts.js';
import { PACE, rampSteps, runRamp } from './load-test/ramp.js';
import { CACHED, requestsOf } from './load-test/requests.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import type { Burst, RampStep } from './rules/load.js';
import { loadPage } from './rules/load-page.js';
import { rampPlot } from './rules/plots/load.js';
import { REQUEST_KINDS } from './rules/trip.js';
import { describeMachine, machineLine } from './system/machine.js';
import { withSession, type Session } from './system/session.js';
import { Trireme } from './system/trireme.js';

interface LoadOptions extends CommonOptions {
  readonly repetitions: number;
  readonly connections: number;
  readonly seconds: number;
}

/** Orders that are placed first, to be read later. */
const ORDERS = 1000;

async function load(session: Session, options: LoadOptions): Promise<void> {
  const machine = describeMachine();
  const { repetitions, connections, seconds } = options;
  const ramps = REQUEST_KINDS.length * rampSteps(connections);
  const progress = new ProgressBar(burstSteps(repetitions) + ramps);
  progress.begin('starting a cluster');
  const cluster = await Trireme.start(session, { stocks: 10, cacheSize: CACHED });
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

async function placeOrders({ target }: Trireme): Promise<void> {
  const { tally } = await openLoop({
    ...{ target, connections: BURST_CONNECTIONS, perSecond: 1000, count: ORDERS },
    next: requestsOf('order', target, 1),
  });
  if (tally.failed > 0) throw new Error(`orders failed: ${JSON.stringify(tally.failures)}`);
}

async function report(
  machine: string,
  details: object,
  options: LoadOptions,
  bursts: readonly Burst[],
  steps: readonly RampStep[],
): Promise<void> {
  const results = new Results(options.name);
  const command = calledAs('load');
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
    ...{ machine, command, plot, pace: PACE, burstConnections: BURST_CONNECTIONS },
    ...{ repetitions: options.repetitions, seconds: options.seconds },
  });
  finish(results, options, page);
}

const command = withCommonOptions(
  new Command('npm run load --').description(
    'Sends 1000 look-ups, 1000 order reads and 100 orders at an even rate, then each type over rising connections until ' +
      'throughput stops rising. Latencies of paced load count from the intended start. Writes to bench/results/<name>/.',
  ),
  'load',
)
  .option(
    '--repetitions <n>',
    'of the paced requests; 2 at least for confidence intervals',
    wholeNumber(1, 100),
    3,
  )
  .option('--connections <n>', 'connections at most', wholeNumber(1, 4096), 512)
  .option('--seconds <n>', 'of each closed and each paced loop', wholeNumber(1, 600), 3)
  .action(async (options: LoadOptions) => withSession(async (session) => load(session, options)));

await runBench(command);
