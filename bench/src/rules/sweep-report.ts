/** Tables and page of the sweep. */
import { describeFailures } from './outcomes.js';
import type { HitRatePoint } from './plots/cache.js';
import type { Estimate } from './statistics.js';
import { latencyPoints, throughputPoints, type SweepRun } from './sweep.js';
import { describeRun, formatEstimate, toMarkdown, type PageHead, type Table } from './text.js';

/** All runs, as a table for further analysis. */
export function runsTable(runs: readonly SweepRun[]): Table {
  return {
    columns: [
      'repetition',
      'p',
      'cache',
      'request',
      'count',
      'mean_ms',
      'p50_ms',
      'p90_ms',
      'p99_ms',
      'max_ms',
      'requests_per_second',
      'hit_rate',
      'failures',
    ],
    rows: runs.flatMap((run) =>
      Object.entries(run.latency).map(([kind, { count, mean, p50, p90, p99, max }]) => [
        run.repetition + 1,
        run.p,
        run.cache,
        kind,
        count,
        ...(count === 0 ? [null, null, null, null, null] : [mean, p50, p90, p99, max]),
        run.perSecond,
        run.hitRate,
        Object.entries(run.failures)
          .filter(([why]) => why.startsWith(`${kind}: `))
          .reduce((sum, [, failed]) => sum + failed, 0),
      ]),
    ),
  };
}

/** Latencies by condition, in milliseconds. */
export function latencyTable(runs: readonly SweepRun[]): Table {
  return {
    columns: ['request', 'p', 'cache', 'requests', 'mean', 'p50', 'p90', 'p99'],
    rows: latencyPoints(runs).map(({ kind, p, cache, requests, mean, p50, p90, p99 }) => [
      kind,
      `${Math.round(p * 100)}%`,
      cache,
      requests,
      ...[mean, p50, p90, p99].map(formatEstimate),
    ]),
  };
}

/** Requests per second and hit rates by condition. */
function throughputTable(runs: readonly SweepRun[]): Table {
  return {
    columns: ['p', 'cache', 'requests/s', 'hit rate (%)'],
    rows: throughputPoints(runs).map(({ p, cache, perSecond, hitRate }) => [
      `${Math.round(p * 100)}%`,
      cache,
      formatEstimate(perSecond),
      hitRate === null ? null : formatEstimate(percent(hitRate)),
    ]),
  };
}

function hitRateTable(points: readonly HitRatePoint[]): Table {
  return {
    columns: ['cache size', 'stocks', 'hit rate (%)', 'predicted (%)'],
    rows: points.map(({ cacheSize, stocks, hitRate, high, predicted }) => [
      cacheSize,
      stocks,
      formatEstimate(percent({ mean: hitRate, margin: high > hitRate ? high - hitRate : null })),
      formatEstimate(percent({ mean: predicted, margin: null })),
    ]),
  };
}

function percent({ mean, margin }: Pick<Estimate, 'mean' | 'margin'>): Pick<Estimate, 'mean' | 'margin'> {
  return { mean: mean * 100, margin: margin === null ? null : margin * 100 };
}

/** Data of the page, except for the runs. */
export interface SweepPage extends PageHead {
  readonly clients: number;
  readonly lookups: number;
  readonly repetitions: number;
  readonly cacheSize: number;
  readonly stocks: number;
  /** Skew of Zipf's law. */
  readonly skew: number;
  readonly hitRates: readonly HitRatePoint[];
  /** Failures of the runs that measured hit rates. */
  readonly cacheRuns: readonly { readonly failures: Readonly<Record<string, number>> }[];
  /** Markdown of the plots. */
  readonly plots: {
    readonly latency: string;
    readonly distribution: string;
    readonly hitRate: string | null;
    readonly items: string | null;
  };
}

export function sweepPage(runs: readonly SweepRun[], page: SweepPage): string {
  return `# Latency sweep

${page.clients} clients, each on one connection, look up one of ${page.stocks} stocks with equal probability, and then order one unit of it with probability p.
At the end each client reads back all its orders and compares them. ${page.lookups} look-ups per client and run, ${page.repetitions} interleaved repetitions, with
a cache of ${page.cacheSize} stocks on and off. Latencies are in milliseconds, from sending a request to the end of its answer; ± is half the
width of the 95% confidence interval over the repetitions (Student's t).

${describeRun(page)}
- Failed or wrong answers: ${describeFailures([...runs, ...page.cacheRuns])}

${page.plots.latency}

${page.plots.distribution}

## Latency

${toMarkdown(latencyTable(runs))}

## Throughput and hit rate

Look-ups and orders together. A filled order revokes its stock from every cache, so the hit rate falls as p rises.

${toMarkdown(throughputTable(runs))}
${cacheSection(page)}`;
}

function cacheSection({ plots, hitRates, skew }: SweepPage): string {
  if (plots.hitRate === null || plots.items === null) return '';
  return `
## Cache size

Look-ups only. Stocks are chosen by Zipf's law with skew ${skew}: the probability of the k-th most popular is proportional to 1 / k^${skew}. The
prediction for an LRU cache is that of Che, Tung and Wang (2002).

${plots.hitRate}

${toMarkdown(hitRateTable(hitRates))}

${plots.items}
`;
}
