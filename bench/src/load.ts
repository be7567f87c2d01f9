/** A fixed number of requests at a constant rate, then a ramp of connections. */
import {
  benchCommand,
  integerParser,
  type BenchRun,
  type CommonOptions,
  type Report,
} from './command-line.js';
import { findTool } from './generator/peak.js';
import { openLoop } from './generator/undici.js';
import { BURST_CONNECTIONS, burstSteps, runBursts } from './load/bursts.js';
import { OPEN_LOOP_PER_SECOND_MAX, OPEN_LOOP_SHARE, rampSteps, runRamp } from './load/ramp.js';
import { ProgressBar } from './output/progress-bar.js';
import type { Results } from './output/results.js';
import { loadPage, type Burst, type RampStep } from './rules/load.js';
import { rampPlot } from './rules/plots/load.js';
import { CACHED_STOCKS, REQUEST_KINDS, SELL_ONE } from './rules/requests.js';
import { TriremeCluster } from './system/trireme.js';

interface LoadOptions extends CommonOptions {
  readonly repetitions: number;
  readonly connections: number;
  readonly seconds: number;
}

/** Orders placed before the test, which order reads choose from. */
const ORDERS = 1000;

async function load({ session, options, results, head, details }: BenchRun<LoadOptions>): Promise<Report> {
  const { repetitions, connections, seconds } = options;
  const tool = await findTool('auto');
  const ramps = REQUEST_KINDS.length * rampSteps(connections);
  const progress = new ProgressBar(burstSteps(repetitions) + ramps);
  progress.begin('starting a cluster');
  const cluster = await TriremeCluster.start(session, { stocks: 10, cacheSize: CACHED_STOCKS });
  await placeOrders(cluster);
  const bursts = await runBursts(cluster, repetitions, ORDERS, progress);
  const ramp: RampStep[] = [];
  const rampOptions = { tool, connectionsMax: connections, seconds, orders: ORDERS, folder: session.folder };
  for (const kind of REQUEST_KINDS) ramp.push(...(await runRamp(cluster, kind, rampOptions, progress)));
  await cluster.stop();
  progress.finish();
  writeCsv(results, bursts, ramp);
  results.json({ ...details, tool, bursts, ramp });
  const page = loadPage(bursts, ramp, {
    ...head,
    repetitions,
    seconds,
    tool,
    burstConnections: BURST_CONNECTIONS,
    pace: OPEN_LOOP_SHARE,
    pacedPerSecondMax: OPEN_LOOP_PER_SECOND_MAX,
    plot: await results.plot('ramp', 'Throughput and latency over connections', rampPlot(ramp)),
  });
  return { page };
}

async function placeOrders({ url }: TriremeCluster): Promise<void> {
  const { counter } = await openLoop({
    url,
    connections: BURST_CONNECTIONS,
    perSecond: 1000,
    count: ORDERS,
    next: () => SELL_ONE,
  });
  if (counter.latency.count < ORDERS)
    throw new Error(`orders failed; failures by reason: ${JSON.stringify(counter.failures)}`);
}

function writeCsv(results: Results, bursts: readonly Burst[], steps: readonly RampStep[]): void {
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
      repetition + 1,
      kind,
      requests,
      perSecond,
      mean,
      p50,
      p90,
      p99,
      max,
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
      kind,
      connections,
      perSecond,
      closed.p50,
      closed.p99,
      pacedPerSecond,
      paced.mean,
      paced.p50,
      paced.p99,
    ]),
  });
}

export const loadCommand = benchCommand(
  'load',
  'latency at a constant rate, and peak throughput over the number of connections',
  'Sends 1000 look-ups, 1000 order reads and 100 orders at a constant rate. Then sends each type over more and more ' +
    'connections until throughput stops rising. Writes to bench/results/<name>/.',
  load,
)
  .option(
    '--repetitions <n>',
    'repetitions of the constant-rate part; confidence intervals need at least 2',
    integerParser(1, 100),
    3,
  )
  .option('--connections <n>', 'maximum number of connections', integerParser(1, 4096), 512)
  .option('--seconds <n>', 'duration of each closed and each open loop in s', integerParser(1, 600), 3);
