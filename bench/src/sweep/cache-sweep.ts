/** Effect of the cache size: hit rates over the number of stocks, and the number of cached stocks over time. */
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '@trireme/client';
import { openLoop } from '../generator/undici.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { interleave } from '../rules/interleave.js';
import type { Failures } from '../rules/outcomes.js';
import type { ItemsPoint } from '../rules/plots/cache.js';
import { lookup, placeOrder, stockName, type HttpRequest } from '../rules/requests.js';
import { ZipfSampler } from '../rules/zipf.js';
import type { BenchSession } from '../system/session.js';
import { TriremeCluster } from '../system/trireme.js';
import { runSweepClients, type SweepClientOptions } from './client.js';

export const CACHE_SIZES: readonly number[] = [5, 20, 80, 320];

/** Numbers of stocks that clients choose from. The cluster always has the largest of these numbers. */
export const STOCK_COUNTS: readonly number[] = [10, 30, 100, 300, 1000];

const STOCKS_MAX = Math.max(...STOCK_COUNTS);

/**
 * Request rate of the run that samples the number of cached stocks, and the share of orders in its second
 * half.
 */
export const SAMPLING_PER_SECOND = 500;
export const SAMPLING_ORDER_SHARE = 0.5;

const WATCH_CONNECTIONS = 16;
const WATCH_POLL_MS = 50;

/** Look-ups of the warm-up, per stock. */
const WARMUP_PER_STOCK = 5;

export interface CacheSweepOptions {
  readonly clients: number;
  /** Look-ups of all clients in each run. */
  readonly lookups: number;
  readonly repetitions: number;
  /** Skew of Zipf's law. */
  readonly skew: number;
  /** Duration of the run that samples the number of cached stocks; its second half includes orders. */
  readonly watchSeconds: number;
}

/** One run with one cache size and one number of stocks. */
export interface CacheRun {
  readonly repetition: number;
  readonly cacheSize: number;
  readonly stocks: number;
  /** Share of look-ups that the cache answered. */
  readonly hitRate: number;
  /** Mean latency of a look-up in milliseconds. */
  readonly meanMs: number;
  readonly failures: Failures;
}

export interface CacheSweepResult {
  readonly runs: readonly CacheRun[];
  readonly items: readonly ItemsPoint[];
}

/** Number of steps for the progress bar. */
export function cacheSweepSteps(options: CacheSweepOptions): number {
  return CACHE_SIZES.length * options.repetitions * STOCK_COUNTS.length + CACHE_SIZES.length;
}

/** Runs the sweep, with a new cluster for each cache size and repetition. */
export async function sweepCache(
  session: BenchSession,
  options: CacheSweepOptions,
  progress: ProgressBar,
): Promise<CacheSweepResult> {
  const runs: CacheRun[] = [];
  const items: ItemsPoint[] = [];
  for (const { repetition, condition: cacheSize } of interleave(CACHE_SIZES, options.repetitions)) {
    const doing = `cache of ${cacheSize}, repetition ${repetition + 1}`;
    progress.begin(`${doing}: starting a cluster`);
    const cluster = await TriremeCluster.start(session, { stocks: STOCKS_MAX, cacheSize });
    if (repetition === 0) {
      progress.begin(`${doing}: sampling the number of cached stocks`);
      items.push(...(await watchItems(cluster, cacheSize, options)));
      progress.end();
    }
    for (const stocks of STOCK_COUNTS) {
      progress.begin(`${doing}: ${stocks} stocks`);
      runs.push(await measureHits(cluster, { repetition, cacheSize, stocks }, options));
      progress.end();
    }
    await cluster.stop();
  }
  return { runs, items };
}

async function measureHits(
  cluster: TriremeCluster,
  condition: Pick<CacheRun, 'repetition' | 'cacheSize' | 'stocks'>,
  options: CacheSweepOptions,
): Promise<CacheRun> {
  const { repetition, stocks } = condition;
  const random = new SeededRandom(1 + repetition * 1000 + stocks);
  const choice = new ZipfSampler(stocks, options.skew, () => random.next());
  const clients = (lookups: number): readonly SweepClientOptions[] =>
    Array.from({ length: options.clients }, () => ({
      lookups: Math.ceil(lookups / options.clients),
      orderProbability: 0,
      chooseStock: () => stockName(choice.next()),
      random: () => 0,
    }));
  await runSweepClients(cluster.url, clients(WARMUP_PER_STOCK * stocks));
  const before = await cluster.cacheStatus();
  const { counters } = await runSweepClients(cluster.url, clients(options.lookups));
  const after = await cluster.cacheStatus();
  const hits = after.hits - before.hits;
  return {
    ...condition,
    hitRate: hits / (hits + after.misses - before.misses),
    meanMs: counters.lookup.latency.summary().mean,
    failures: counters.lookup.failures,
  };
}

/** Sends look-ups at a constant rate, then look-ups and orders, and samples the number of cached stocks. */
async function watchItems(
  cluster: TriremeCluster,
  cacheSize: number,
  options: CacheSweepOptions,
): Promise<readonly ItemsPoint[]> {
  const random = new SeededRandom(1);
  const choice = new ZipfSampler(STOCKS_MAX, options.skew, () => random.next());
  const count = Math.round(options.watchSeconds * SAMPLING_PER_SECOND);
  let sent = 0;
  const next = (): HttpRequest => {
    sent += 1;
    const name = stockName(choice.next());
    if (sent <= count / 2 || !random.chance(SAMPLING_ORDER_SHARE)) return lookup(name);
    return placeOrder({ name, type: 'sell', quantity: 1 });
  };
  const points: ItemsPoint[] = [{ cacheSize, seconds: 0, items: (await cluster.cacheStatus()).size }];
  let running = true;
  const startMs = performance.now();
  const load = openLoop({
    url: cluster.url,
    connections: WATCH_CONNECTIONS,
    perSecond: SAMPLING_PER_SECOND,
    count,
    next,
  }).finally(() => (running = false));
  const watch = async (): Promise<void> => {
    while (running) {
      await delay(WATCH_POLL_MS);
      const { size } = await cluster.cacheStatus();
      points.push({ cacheSize, seconds: (performance.now() - startMs) / 1000, items: size });
    }
  };
  await Promise.all([load, watch()]);
  return points;
}
