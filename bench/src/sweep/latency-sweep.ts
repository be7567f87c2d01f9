/** The latency sweep: shoppers with every probability of an order, against a cluster with a cache and one without. */
import { SeededRandom } from '@trireme/client';
import { runShoppers } from '../load/shoppers.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { LatencyHistogram, PERCENTILES } from '../rules/histogram.js';
import { cross, interleave } from '../rules/interleave.js';
import type { DistributionPoint } from '../rules/plots/sweep.js';
import type { Condition, Run } from '../rules/sweep.js';
import { REQUEST_KINDS, Trip, type RequestKind } from '../rules/trip.js';
import type { Session } from '../system/session.js';
import { stockName, Trireme } from '../system/trireme.js';

/** Percent steps of 20. */
const PROBABILITIES: readonly number[] = [0, 0.2, 0.4, 0.6, 0.8, 1];

const CACHES = ['on', 'off'] as const;

/** Stocks to choose from, all at even chances: as many as the built-in seed has. */
export const STOCKS = 10;

/** Look-ups of each client in the run that warms a cluster up and is not counted, as a share of a counted run's. */
const WARMUP_SHARE = 2;

/** Keeps the clients of one run from choosing like those of another. */
const SEED_STEP = 0x9e3779b9;

export interface LatencySweepOptions {
  readonly clients: number;
  /** Look-ups of each client in each run. */
  readonly lookups: number;
  readonly repetitions: number;
  readonly cacheSize: number;
}

export interface LatencySweepResult {
  readonly runs: readonly Run[];
  /** Over all runs with and all without a cache, whatever p. */
  readonly distributions: readonly DistributionPoint[];
}

/** Runs that the progress bar counts. */
export function latencySweepSteps(options: LatencySweepOptions): number {
  return PROBABILITIES.length * CACHES.length * options.repetitions;
}

/**
 * Runs the sweep. Both clusters are up all the time, so that runs can alternate between them; the one that is not under
 * load only beats its heart.
 */
export async function sweepLatency(
  session: Session,
  options: LatencySweepOptions,
  progress: ProgressBar,
): Promise<LatencySweepResult> {
  progress.begin('starting a cluster with a cache and one without');
  const clusters = {
    on: await Trireme.start(session, { stocks: STOCKS, cacheSize: options.cacheSize }),
    off: await Trireme.start(session, { stocks: STOCKS, cacheSize: null }),
  };
  const pools = { on: newPool(), off: newPool() };
  const runs: Run[] = [];
  for (const cache of CACHES) {
    const lookups = options.lookups * WARMUP_SHARE;
    await shopOnce(clusters[cache], { ...options, lookups }, 0.5, 0, null);
  }
  const conditions = cross(PROBABILITIES, CACHES).map(([p, cache]): Condition => ({ p, cache }));
  for (const { repetition, condition } of interleave(conditions, options.repetitions)) {
    const { p, cache } = condition;
    progress.begin(`p ${p}, cache ${cache}, repetition ${repetition + 1}`);
    // Both caches get the same clients with the same choices.
    const seed = 1 + repetition * 1000 + Math.round(p * 100);
    const run = await shopOnce(clusters[cache], options, p, seed, pools[cache]);
    runs.push({ ...condition, repetition, ...run, hitRate: cache === 'on' ? run.hitRate : null });
    progress.end();
  }
  await Promise.all([clusters.on.stop(), clusters.off.stop()]);
  const distributions = CACHES.flatMap((cache) =>
    REQUEST_KINDS.flatMap((kind) =>
      PERCENTILES.map((percentile) => ({ kind, cache, percentile, ms: pools[cache][kind].at(percentile) })),
    ),
  );
  return { runs, distributions };
}

type Pool = Readonly<Record<RequestKind, LatencyHistogram>>;

function newPool(): Pool {
  return {
    lookup: new LatencyHistogram(),
    order: new LatencyHistogram(),
    'order read': new LatencyHistogram(),
  };
}

/** One run. @param pool takes all its latencies, null if none is to be kept. */
async function shopOnce(
  cluster: Trireme,
  options: LatencySweepOptions,
  orderProbability: number,
  seed: number,
  pool: Pool | null,
): Promise<Omit<Run, keyof Condition | 'repetition'>> {
  const trips = Array.from({ length: options.clients }, (_, client) => {
    const random = new SeededRandom(seed + client * SEED_STEP);
    return new Trip({
      ...{ lookups: options.lookups, orderProbability },
      chooseStock: () => stockName(random.below(STOCKS)),
      random: () => random.next(),
    });
  });
  const before = await cluster.cacheStatus();
  const { tallies, perSecond } = await runShoppers(cluster.target, trips);
  const after = await cluster.cacheStatus();
  const hits = after.hits - before.hits;
  const asked = hits + after.misses - before.misses;
  if (pool !== null) for (const kind of REQUEST_KINDS) pool[kind].add(tallies[kind].latency);
  return {
    perSecond,
    hitRate: asked === 0 ? 0 : hits / asked,
    latency: {
      lookup: tallies.lookup.latency.summary(),
      order: tallies.order.latency.summary(),
      'order read': tallies['order read'].latency.summary(),
    },
    failures: Object.fromEntries(
      REQUEST_KINDS.flatMap((kind) =>
        Object.entries(tallies[kind].failures).map(([why, count]) => [`${kind}: ${why}`, count]),
      ),
    ),
  };
}
