/** The sweep's tables, and the page that holds them. */
import type { HitRatePoint } from './plots/cache.js';
import { failuresOf, latencyPoints, throughputPoints, type Run } from './sweep.js';
import { formatEstimate, toMarkdown, type Table } from './text.js';

/** Every run with its figures, for whoever wants to reckon anew. */
export function runsTable(runs: readonly Run[]): Table {
  return {
    columns: [
      ...['repetition', 'p', 'cache', 'request', 'count', 'mean_ms', 'p50_ms', 'p90_ms', 'p99_ms', 'max_ms'],
      ...['requests_per_second', 'hit_rate', 'failures'],
    ],
    rows: runs.flatMap((run) =>
      Object.entries(run.latency).map(([kind, { count, mean, p50, p90, p99, max }]) => [
        ...[run.repetition + 1, run.p, run.cache, kind, count],
        ...(count === 0 ? [null, null, null, null, null] : [mean, p50, p90, p99, max]),
        ...[run.perSecond, run.hitRate],
        Object.entries(run.failures)
          .filter(([why]) => why.startsWith(`${kind}: `))
          .reduce((sum, [, failed]) => sum + failed, 0),
      ]),
    ),
  };
}

/** Latencies by condition, in milliseconds. */
export function latencyTable(runs: readonly Run[]): Table {
  return {
    columns: ['request', 'p', 'cache', 'requests', 'mean', 'p50', 'p90', 'p99'],
    rows: latencyPoints(runs).map(({ kind, p, cache, requests, mean, p50, p90, p99 }) => [
      ...[kind, `${Math.round(p * 100)}%`, cache, requests],
      ...[mean, p50, p90, p99].map(formatEstimate),
    ]),
  };
}

/** Requests a second and hit rates by condition. */
function throughputTable(runs: readonly Run[]): Table {
  return {
    columns: ['p', 'cache', 'requests/s', 'hit rate (%)'],
    rows: throughputPoints(runs).map(({ p, cache, perSecond, hitRate }) => [
      ...[`${Math.round(p * 100)}%`, cache, formatEstimate(perSecond)],
      hitRate === null ? null : formatEstimate(percent(hitRate)),
    ]),
  };
}

function hitRateTable(points: readonly HitRatePoint[]): Table {
  return {
    columns: ['size of the cache', 'stocks', 'hit rate (%)', 'predicted (%)'],
    rows: points.map(({ cacheSize, stocks, hitRate, high, predicted }) => [
      ...[cacheSize, stocks],
      formatEstimate(percent({ mean: hitRate, margin: high > hitRate ? high - hitRate : null })),
      formatEstimate(percent({ mean: predicted, margin: null })),
    ]),
  };
}

function percent({ mean, margin }: { mean: number; margin: number | null }): {
  mean: number;
  margin: number | null;
} {
  return { mean: mean * 100, margin: margin === null ? null : margin * 100 };
}

/** What the page is made of, beside the runs. */
export interface SweepPage {
  readonly machine: string;
  /** How to do it again. */
  readonly command: string;
  readonly clients: number;
  readonly lookups: number;
  readonly repetitions: number;
  readonly cacheSize: number;
  readonly stocks: number;
  /** Of the Zipf choice. */
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

export function sweepPage(runs: readonly Run[], page: SweepPage): string {
  const failures = failuresOf([...runs, ...page.cacheRuns]);
  return `# Latency sweep

${page.clients} clients, each on one connection, look up one of ${page.stocks} stocks at even chances and then order one unit of it with probability p; at
the end each reads back every order that it placed and compares. ${page.lookups} look-ups a client and run, ${page.repetitions} repetitions, interleaved; a
cache of ${page.cacheSize} stocks on against off. Latencies are in milliseconds, from sending a request to its whole answer; ± is the
half width of the 95% confidence interval over the repetitions (Student's t).

- Machine: ${page.machine}
- Again: \`${page.command}\`
- Failed or wrong answers: ${failures.length === 0 ? 'none' : failures.join(', ')}

${page.plots.latency}

${page.plots.distribution}

## Latency

${toMarkdown(latencyTable(runs))}

## Throughput and hit rate

Look-ups and orders together while shopping. A trade drops its stock from every cache, so the hit rate falls as p rises.

${toMarkdown(throughputTable(runs))}
${cacheSection(page)}`;
}

function cacheSection({ plots, hitRates, skew }: SweepPage): string {
  if (plots.hitRate === null || plots.items === null) return '';
  return `
## Size of the cache

Look-ups alone, stocks chosen by Zipf's law with skew ${skew}: the k-th most popular in proportion to 1 / k^${skew}. The prediction is
that of Che, Tung and Wang (2002) for an LRU cache.

${plots.hitRate}

${toMarkdown(hitRateTable(hitRates))}

${plots.items}
`;
}
