/** What the size of the cache does: hit rates over the number of stocks, and how many stocks it holds as time goes by. */
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '@trireme/client';
import { hostOf } from '../load/connection.js';
import { openLoop } from '../load/open-loop.js';
import { runShoppers } from '../load/shoppers.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { interleave } from '../rules/interleave.js';
import type { ItemsPoint } from '../rules/plots/cache.js';
import { getRequest, orderBody, postRequest } from '../rules/requests.js';
import { Trip } from '../rules/trip.js';
import { ZipfChoice } from '../rules/zipf.js';
import type { Session } from '../system/session.js';
import { stockName, Trireme } from '../system/trireme.js';

export const CACHE_SIZES: readonly number[] = [5, 20, 80, 320];

/** How many stocks are chosen from. The cluster has the greatest number of them all the time. */
export const STOCK_COUNTS: readonly number[] = [10, 30, 100, 300, 1000];

const STOCKS_MAX = Math.max(...STOCK_COUNTS);

/** Requests a second, and share of orders in the second half, while cached stocks are watched. */
export const WATCH_PER_SECOND = 500;
export const WATCH_ORDER_SHARE = 0.5;

const WATCH_CONNECTIONS = 16;
const WATCH_POLL_MS = 50;

/** Look-ups before those that count, for each stock that is chosen from. */
const WARMUP_PER_STOCK = 5;

export interface CacheSweepOptions {
  readonly clients: number;
  /** Look-ups of all clients together in each run. */
  readonly lookups: number;
  readonly repetitions: number;
  /** Of Zipf's law. */
  readonly skew: number;
  /** How long cached stocks are watched, half of it with orders. */
  readonly watchSeconds: number;
}

/** One run with one size of the cache and one number of stocks. */
export interface CacheRun {
  readonly repetition: number;
  readonly cacheSize: number;
  readonly stocks: number;
  /** Share of look-ups that the cache answered. */
  readonly hitRate: number;
  /** Mean latency of a look-up in milliseconds. */
  readonly meanMs: number;
  readonly failures: Readonly<Record<string, number>>;
}

export interface CacheSweepResult {
  readonly runs: readonly CacheRun[];
  readonly items: readonly ItemsPoint[];
}

/** Runs that the progress bar counts. */
export function cacheSweepSteps(options: CacheSweepOptions): number {
  return CACHE_SIZES.length * options.repetitions * STOCK_COUNTS.length + CACHE_SIZES.length;
}

/** Runs the sweep, with a cluster of its own for every size and repetition. */
export async function sweepCache(
  session: Session,
  options: CacheSweepOptions,
  progress: ProgressBar,
): Promise<CacheSweepResult> {
  const runs: CacheRun[] = [];
  const items: ItemsPoint[] = [];
  for (const { repetition, condition: cacheSize } of interleave(CACHE_SIZES, options.repetitions)) {
    const doing = `cache of ${cacheSize}, repetition ${repetition + 1}`;
    progress.begin(`${doing}: starting a cluster`);
    const cluster = await Trireme.start(session, { stocks: STOCKS_MAX, cacheSize });
    if (repetition === 0) {
      progress.begin(`${doing}: watching it fill`);
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
  cluster: Trireme,
  condition: Pick<CacheRun, 'repetition' | 'cacheSize' | 'stocks'>,
  options: CacheSweepOptions,
): Promise<CacheRun> {
  const { repetition, stocks } = condition;
  const random = new SeededRandom(1 + repetition * 1000 + stocks);
  const choice = new ZipfChoice(stocks, options.skew, () => random.next());
  const trips = (lookups: number): Trip[] =>
    Array.from(
      { length: options.clients },
      () =>
        new Trip({
          lookups: Math.ceil(lookups / options.clients),
          orderProbability: 0,
          chooseStock: () => stockName(choice.next()),
          random: () => 0,
        }),
    );
  await runShoppers(cluster.target, trips(WARMUP_PER_STOCK * stocks));
  const before = await cluster.cacheStatus();
  const { tallies } = await runShoppers(cluster.target, trips(options.lookups));
  const after = await cluster.cacheStatus();
  const hits = after.hits - before.hits;
  return {
    ...condition,
    hitRate: hits / (hits + after.misses - before.misses),
    meanMs: tallies.lookup.latency.summary().mean,
    failures: tallies.lookup.failures,
  };
}

/** Sends look-ups at an even rate, then orders among them, and asks now and then how many stocks are cached. */
async function watchItems(
  cluster: Trireme,
  cacheSize: number,
  options: CacheSweepOptions,
): Promise<readonly ItemsPoint[]> {
  const random = new SeededRandom(1);
  const choice = new ZipfChoice(STOCKS_MAX, options.skew, () => random.next());
  const host = hostOf(cluster.target);
  const count = Math.round(options.watchSeconds * WATCH_PER_SECOND);
  let sent = 0;
  let startMs = performance.now();
  const next = (): Buffer => {
    // The load begins with its first request, once its connections are there.
    if (sent === 0) startMs = performance.now();
    sent += 1;
    const name = stockName(choice.next());
    if (sent <= count / 2 || !random.chance(WATCH_ORDER_SHARE)) return getRequest(host, `/stocks/${name}`);
    return postRequest(host, '/orders', orderBody({ name, type: 'sell', quantity: 1 }));
  };
  const points: ItemsPoint[] = [{ cacheSize, seconds: 0, items: (await cluster.cacheStatus()).size }];
  let running = true;
  const load = openLoop({
    ...{ target: cluster.target, connections: WATCH_CONNECTIONS, perSecond: WATCH_PER_SECOND, count, next },
  }).finally(() => (running = false));
  const watch = async (): Promise<void> => {
    while (running) {
      await delay(WATCH_POLL_MS);
      const { size } = await cluster.cacheStatus();
      if (sent > 0) points.push({ cacheSize, seconds: (performance.now() - startMs) / 1000, items: size });
    }
  };
  await Promise.all([load, watch()]);
  return points;
}
