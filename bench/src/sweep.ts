/** `npm run sweep`: latency over the share of orders, cache on against off, and what the size of the cache does. */
import { Command } from 'commander';
import {
  calledAs,
  finish,
  number,
  runBench,
  wholeNumber,
  withCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import { hitRatePlot, itemsPlot, type HitRatePoint } from './rules/plots/cache.js';
import { distributionPlot, latencyOverPPlot } from './rules/plots/sweep.js';
import { estimate } from './rules/statistics.js';
import { latencyPoints, throughputPoints } from './rules/sweep.js';
import { latencyTable, runsTable, sweepPage } from './rules/sweep-report.js';
import { toMarkdown } from './rules/text.js';
import { lruHitRate, zipfProbabilities } from './rules/zipf.js';
import {
  CACHE_SIZES,
  cacheSweepSteps,
  STOCK_COUNTS,
  sweepCache,
  WATCH_ORDER_SHARE,
  WATCH_PER_SECOND,
  type CacheRun,
  type CacheSweepResult,
} from './sweep/cache-sweep.js';
import { latencySweepSteps, STOCKS, sweepLatency, type LatencySweepResult } from './sweep/latency-sweep.js';
import { describeMachine, machineLine } from './system/machine.js';
import { withSession, type Session } from './system/session.js';

interface SweepOptions extends CommonOptions {
  readonly clients: number;
  readonly lookups: number;
  readonly repetitions: number;
  readonly cacheSize: number;
  readonly skew: number;
  readonly cacheLookups: number;
  readonly watchSeconds: number;
  /** False with `--no-cache-sweep`. */
  readonly cacheSweep: boolean;
}

async function sweep(session: Session, options: SweepOptions): Promise<void> {
  const machine = describeMachine();
  const cacheOptions = { ...options, lookups: options.cacheLookups };
  const steps = latencySweepSteps(options) + (options.cacheSweep ? cacheSweepSteps(cacheOptions) : 0);
  const progress = new ProgressBar(steps);
  const latency = await sweepLatency(session, options, progress);
  const cache = options.cacheSweep ? await sweepCache(session, cacheOptions, progress) : null;
  progress.finish();
  await report(machine, options, latency, cache);
}

async function report(
  machine: ReturnType<typeof describeMachine>,
  options: SweepOptions,
  latency: LatencySweepResult,
  cache: CacheSweepResult | null,
): Promise<void> {
  const { runs, distributions } = latency;
  const results = new Results(options.name);
  const hitRates = cache === null ? [] : hitRatePoints(cache.runs, options.skew);
  results.csv('runs', runsTable(runs));
  results.csv('distribution', {
    columns: ['request', 'cache', 'percentile', 'ms'],
    rows: distributions.map(({ kind, cache: onOrOff, percentile, ms }) => [kind, onOrOff, percentile, ms]),
  });
  if (cache !== null) cacheCsv(results, cache);
  const who = `${options.clients} clients, ${options.repetitions} repetitions, bars: 95% confidence`;
  const plots = {
    latency: await results.plot('latency', 'Latency over p', latencyOverPPlot(latencyPoints(runs), who)),
    distribution: await results.plot(
      'distribution',
      'Distribution of latencies',
      distributionPlot(distributions, `${options.clients} clients, all p together`),
    ),
    hitRate:
      cache === null ? null : await results.plot('hit-rate', 'Hit rate', hitRatePlot(hitRates, options.skew)),
    items:
      cache === null
        ? null
        : await results.plot('items', 'Cached stocks over time', watchPlot(cache, options)),
  };
  results.json({
    ...{ machine, command: calledAs('sweep'), options },
    ...{ latency: latencyPoints(runs), throughput: throughputPoints(runs), runs, hitRates },
    cacheRuns: cache?.runs ?? [],
  });
  const page = sweepPage(runs, {
    ...{ machine: machineLine(machine), command: calledAs('sweep'), ...options, stocks: STOCKS },
    ...{ hitRates, cacheRuns: cache?.runs ?? [], plots },
  });
  finish(results, options, page, toMarkdown(latencyTable(runs)));
}

function watchPlot(cache: CacheSweepResult, options: SweepOptions): ReturnType<typeof itemsPlot> {
  const stocks = Math.max(...STOCK_COUNTS);
  const subtitle = `${WATCH_PER_SECOND} requests a second for ${stocks} stocks by Zipf's law (skew ${options.skew}), then ${WATCH_ORDER_SHARE * 100}% of them orders`;
  return itemsPlot(cache.items, options.watchSeconds / 2, subtitle);
}

function cacheCsv(results: Results, cache: CacheSweepResult): void {
  results.csv('cache', {
    columns: ['repetition', 'cache_size', 'stocks', 'hit_rate', 'lookup_mean_ms'],
    rows: cache.runs.map((run) => [
      ...[run.repetition + 1, run.cacheSize, run.stocks, run.hitRate, run.meanMs],
    ]),
  });
  results.csv('items', {
    columns: ['cache_size', 'seconds', 'items'],
    rows: cache.items.map(({ cacheSize, seconds, items }) => [cacheSize, seconds, items]),
  });
}

function hitRatePoints(runs: readonly CacheRun[], skew: number): readonly HitRatePoint[] {
  return CACHE_SIZES.flatMap((cacheSize) =>
    STOCK_COUNTS.map((stocks) => {
      const of = runs.filter((run) => run.cacheSize === cacheSize && run.stocks === stocks);
      const { mean, margin } = estimate(of.map(({ hitRate }) => hitRate));
      return {
        ...{ cacheSize, stocks, hitRate: mean, low: mean - (margin ?? 0), high: mean + (margin ?? 0) },
        predicted: lruHitRate(zipfProbabilities(stocks, skew), cacheSize),
      };
    }),
  );
}

const command = withCommonOptions(
  new Command('npm run sweep --').description(
    'Measures latency with shoppers over the probability of an order after a look-up, with the cache on and off, and hit ' +
      'rates over the size of the cache. Writes CSV, JSON, Markdown and plots to bench/results/<name>/.',
  ),
  'sweep',
)
  .option('--clients <n>', 'clients at once', wholeNumber(1, 512), 5)
  .option('--lookups <n>', 'look-ups of each client in each run', wholeNumber(1, 1_000_000), 1000)
  .option(
    '--repetitions <n>',
    'repetitions of everything; 2 at least for confidence intervals',
    wholeNumber(1, 100),
    3,
  )
  .option(
    '--cache-size <n>',
    'stocks that the front-end caches in the latency sweep',
    wholeNumber(1, 100_000),
    5,
  )
  .option('--skew <s>', "of Zipf's law, in the sweep of cache sizes", number(0, 3), 1)
  .option(
    '--cache-lookups <n>',
    'look-ups of all clients in each run of that sweep',
    wholeNumber(1, 1e6),
    10_000,
  )
  .option('--watch-seconds <n>', 'how long cached stocks are watched, for each size', number(0.5, 600), 8)
  .option('--no-cache-sweep', 'leave the sweep of cache sizes out')
  .action(async (options: SweepOptions) => withSession(async (session) => sweep(session, options)));

await runBench(command);
