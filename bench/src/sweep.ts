/** Latency over the share of orders with the cache on and off, and the effect of the cache size. */
import {
  benchCommand,
  integerParser,
  numberParser,
  type BenchRun,
  type CommonOptions,
  type Report,
} from './command-line.js';
import { ProgressBar } from './output/progress-bar.js';
import type { Results } from './output/results.js';
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
  SAMPLING_ORDER_SHARE,
  SAMPLING_PER_SECOND,
  type CacheRun,
  type CacheSweepResult,
} from './sweep/cache-sweep.js';
import { latencySweepSteps, STOCKS, sweepLatency, type LatencySweepResult } from './sweep/latency-sweep.js';

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

async function sweep(run: BenchRun<SweepOptions>): Promise<Report> {
  const { session, options } = run;
  const cacheOptions = { ...options, lookups: options.cacheLookups };
  const steps = latencySweepSteps(options) + (options.cacheSweep ? cacheSweepSteps(cacheOptions) : 0);
  const progress = new ProgressBar(steps);
  const latency = await sweepLatency(session, options, progress);
  const cache = options.cacheSweep ? await sweepCache(session, cacheOptions, progress) : null;
  progress.finish();
  return report(run, latency, cache);
}

async function report(
  { options, results, head, details }: BenchRun<SweepOptions>,
  { runs, distributions }: LatencySweepResult,
  cache: CacheSweepResult | null,
): Promise<Report> {
  const { clients, repetitions, skew } = options;
  const hitRates = cache === null ? [] : hitRatePoints(cache.runs, skew);
  const cacheRuns = cache?.runs ?? [];
  results.csv('runs', runsTable(runs));
  results.csv('distribution', {
    columns: ['request', 'cache', 'percentile', 'ms'],
    rows: distributions.map(({ kind, cache: onOrOff, percentile, ms }) => [kind, onOrOff, percentile, ms]),
  });
  if (cache !== null) cacheCsv(results, cache);
  const points = latencyPoints(runs);
  const overP = latencyOverPPlot(
    points,
    `${clients} clients, ${repetitions} repetitions, bars: 95% confidence`,
  );
  const distribution = distributionPlot(distributions, `${clients} clients, all values of p`);
  const plots = {
    latency: await results.plot('latency', 'Latency over p', overP),
    distribution: await results.plot('distribution', 'Latency distribution', distribution),
    hitRate: cache === null ? null : await results.plot('hit-rate', 'Hit rate', hitRatePlot(hitRates, skew)),
    items:
      cache === null
        ? null
        : await results.plot('items', 'Cached stocks over time', watchPlot(cache, options)),
  };
  results.json({
    ...details,
    latency: points,
    throughput: throughputPoints(runs),
    runs,
    hitRates,
    cacheRuns,
  });
  const page = sweepPage(runs, { ...head, ...options, stocks: STOCKS, hitRates, cacheRuns, plots });
  return { page, shown: toMarkdown(latencyTable(runs)) };
}

function watchPlot(cache: CacheSweepResult, options: SweepOptions): ReturnType<typeof itemsPlot> {
  const stocks = Math.max(...STOCK_COUNTS);
  const subtitle = `${SAMPLING_PER_SECOND} requests/s for ${stocks} stocks by Zipf's law (skew ${options.skew}); in the second half ${SAMPLING_ORDER_SHARE * 100}% are orders`;
  return itemsPlot(cache.items, options.watchSeconds / 2, subtitle);
}

function cacheCsv(results: Results, cache: CacheSweepResult): void {
  results.csv('cache', {
    columns: ['repetition', 'cache_size', 'stocks', 'hit_rate', 'lookup_mean_ms'],
    rows: cache.runs.map((run) => [run.repetition + 1, run.cacheSize, run.stocks, run.hitRate, run.meanMs]),
  });
  results.csv('items', {
    columns: ['cache_size', 'seconds', 'items'],
    rows: cache.items.map(({ cacheSize, seconds, items }) => [cacheSize, seconds, items]),
  });
}

function hitRatePoints(runs: readonly CacheRun[], skew: number): readonly HitRatePoint[] {
  return CACHE_SIZES.flatMap((cacheSize) =>
    STOCK_COUNTS.map((stocks) => {
      const group = runs.filter((run) => run.cacheSize === cacheSize && run.stocks === stocks);
      const { mean, margin } = estimate(group.map(({ hitRate }) => hitRate));
      return {
        cacheSize,
        stocks,
        hitRate: mean,
        low: mean - (margin ?? 0),
        high: mean + (margin ?? 0),
        predicted: lruHitRate(zipfProbabilities(stocks, skew), cacheSize),
      };
    }),
  );
}

export const sweepCommand = benchCommand(
  'sweep',
  'latency over the share of orders, with the cache on and off; hit rate over the cache size',
  'Measures latency over the probability p of an order after a look-up, with the cache on and off, and the hit rate ' +
    'over the cache size. Writes CSV, JSON, Markdown and plots to bench/results/<name>/.',
  sweep,
)
  .option('--clients <n>', 'number of concurrent clients', integerParser(1, 512), 5)
  .option('--lookups <n>', 'look-ups per client and run', integerParser(1, 1_000_000), 1000)
  .option(
    '--repetitions <n>',
    'repetitions of all measurements; confidence intervals need at least 2',
    integerParser(1, 100),
    3,
  )
  .option(
    '--cache-size <n>',
    'cache size of the front-end in the latency sweep, in stocks',
    integerParser(1, 100_000),
    5,
  )
  .option('--skew <s>', "skew of Zipf's law in the cache-size sweep", numberParser(0, 3), 1)
  .option(
    '--cache-lookups <n>',
    'look-ups of all clients in each run of the cache-size sweep',
    integerParser(1, 1e6),
    10_000,
  )
  .option(
    '--watch-seconds <n>',
    'duration of the cached-stocks plot in s, per cache size',
    numberParser(0.5, 600),
    8,
  )
  .option('--no-cache-sweep', 'skip the cache-size sweep');
