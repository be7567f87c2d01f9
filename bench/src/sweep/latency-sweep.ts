/** The latency sweep: clients with different probabilities of an order, with and without a cache. */
import { SeededRandom } from '@trireme/client';
import type { ProgressBar } from '../output/progress-bar.js';
import { crossProduct, interleave } from '../rules/interleave.js';
import { LatencyHistogram, PERCENTILES } from '../rules/outcomes.js';
import type { DistributionPoint } from '../rules/plots/sweep.js';
import { REQUEST_KINDS, stockName, type RequestKind } from '../rules/requests.js';
import type { SweepCondition, SweepRun } from '../rules/sweep.js';
import type { BenchSession } from '../system/session.js';
import { TriremeCluster } from '../system/trireme.js';
import { runSweepClients } from './client.js';

/** Probabilities of an order after a look-up. */
const PROBABILITIES: readonly number[] = [0, 0.2, 0.4, 0.6, 0.8, 1];

const CACHES = ['on', 'off'] as const;

/** Number of stocks, chosen with equal probability, as in the built-in seed. */
export const STOCKS = 10;

/** Look-ups per client of the warm-up run, as a multiple of those of a counted run. */
const WARMUP_SHARE = 2;

/** Distance between the seeds of clients, so that no two clients make the same choices. */
const SEED_STEP = 0x9e3779b9;

export interface LatencySweepOptions {
  readonly clients: number;
  /** Look-ups per client and run. */
  readonly lookups: number;
  readonly repetitions: number;
  readonly cacheSize: number;
}

export interface LatencySweepResult {
  readonly runs: readonly SweepRun[];
  /** Latency percentiles with and without a cache, over all values of p. */
  readonly distributions: readonly DistributionPoint[];
}

/** Number of steps for the progress bar. */
export function latencySweepSteps(options: LatencySweepOptions): number {
  return PROBABILITIES.length * CACHES.length * options.repetitions;
}

/**
 * Runs the sweep. Both clusters run all the time, so that runs can alternate between them; the cluster
 * without load only sends heartbeats.
 */
export async function sweepLatency(
  session: BenchSession,
  options: LatencySweepOptions,
  progress: ProgressBar,
): Promise<LatencySweepResult> {
  progress.begin('starting a cluster with a cache and one without');
  const clusters = {
    on: await TriremeCluster.start(session, { stocks: STOCKS, cacheSize: options.cacheSize }),
    off: await TriremeCluster.start(session, { stocks: STOCKS, cacheSize: null }),
  };
  const pools = { on: newPool(), off: newPool() };
  const runs: SweepRun[] = [];
  for (const cache of CACHES) {
    const lookups = options.lookups * WARMUP_SHARE;
    await runOnce(clusters[cache], { ...options, lookups }, 0.5, 0, null);
  }
  const conditions = crossProduct(PROBABILITIES, CACHES).map(([p, cache]): SweepCondition => ({ p, cache }));
  for (const { repetition, condition } of interleave(conditions, options.repetitions)) {
    const { p, cache } = condition;
    progress.begin(`p ${p}, cache ${cache}, repetition ${repetition + 1}`);
    // The same seed gives both clusters the same requests.
    const seed = 1 + repetition * 1000 + Math.round(p * 100);
    const run = await runOnce(clusters[cache], options, p, seed, pools[cache]);
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

/** Runs all clients once. @param pool gets the latencies of the run; null drops them. */
async function runOnce(
  cluster: TriremeCluster,
  options: LatencySweepOptions,
  orderProbability: number,
  seed: number,
  pool: Pool | null,
): Promise<Omit<SweepRun, keyof SweepCondition | 'repetition'>> {
  const clients = Array.from({ length: options.clients }, (_, client) => {
    const random = new SeededRandom(seed + client * SEED_STEP);
    return {
      lookups: options.lookups,
      orderProbability,
      random: () => random.next(),
      chooseStock: () => stockName(random.below(STOCKS)),
    };
  });
  const before = await cluster.cacheStatus();
  const { counters, perSecond } = await runSweepClients(cluster.url, clients);
  const after = await cluster.cacheStatus();
  const hits = after.hits - before.hits;
  const lookups = hits + after.misses - before.misses;
  if (pool !== null) for (const kind of REQUEST_KINDS) pool[kind].add(counters[kind].latency);
  return {
    perSecond,
    hitRate: lookups === 0 ? 0 : hits / lookups,
    latency: {
      lookup: counters.lookup.latency.summary(),
      order: counters.order.latency.summary(),
      'order read': counters['order read'].latency.summary(),
    },
    failures: Object.fromEntries(
      REQUEST_KINDS.flatMap((kind) =>
        Object.entries(counters[kind].failures).map(([why, count]) => [`${kind}: ${why}`, count]),
      ),
    ),
  };
}
