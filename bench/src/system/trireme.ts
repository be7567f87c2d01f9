/**
 * A Trireme cluster for benchmarks: by default two catalogs, three replicas and one front-end on this
 * machine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreeBasePort, LocalCluster } from '@trireme/cluster';
import { targetOf, type Target } from '../load/connection.js';
import type { BenchSession } from './session.js';

/** Name of the stock with this popularity rank, from 0; names sort by rank. */
export function stockName(rank: number): string {
  return `STOCK${String(rank + 1).padStart(5, '0')}`;
}

/** Initial quantity of each stock; no benchmark buys that many. */
const QUANTITY = 1_000_000_000;

interface TriremeOptions {
  /** Number of stocks. */
  readonly stocks: number;
  /** Cache size of the front-end in stocks; null for no cache. */
  readonly cacheSize: number | null;
  /** Default 3. */
  readonly replicas?: number;
  /** Default 2. */
  readonly catalogs?: number;
  /** Default 1. */
  readonly frontends?: number;
}

export class TriremeCluster {
  readonly cluster: LocalCluster;
  readonly target: Target;
  readonly url: string;
  /** Stops all processes and waits until they have exited. */
  readonly stop: () => Promise<void>;

  private constructor(cluster: LocalCluster, url: string, stop: () => Promise<void>) {
    this.cluster = cluster;
    this.url = url;
    this.target = targetOf(url);
    this.stop = stop;
  }

  /** Starts a cluster with an empty store and waits until it is ready. @throws ClusterError. */
  static async start(session: BenchSession, options: TriremeOptions): Promise<TriremeCluster> {
    const { stocks: count, cacheSize, replicas = 3, catalogs = 2, frontends = 1 } = options;
    const port = await findFreeBasePort();
    const seedFile = join(session.folder, `seed-${port}.json`);
    writeFileSync(seedFile, JSON.stringify(seedOf(count)));
    const cluster = new LocalCluster({
      ...{ port, seedFile, cacheSize, replicas, catalogs, frontends },
      dataDir: join(session.folder, `trireme-${port}`),
      logLevel: 'warn',
      output: () => undefined,
    });
    await cluster.start();
    const stop = session.defer(async () => cluster.stop());
    await cluster.awaitReady();
    const [url] = cluster.urls;
    if (url === undefined) throw new Error('the started cluster has no front-end');
    return new TriremeCluster(cluster, url, stop);
  }

  /** Cache statistics of the front-end. */
  async cacheStatus(): Promise<CacheStatus> {
    const response = await fetch(`${this.url}/status`, { signal: AbortSignal.timeout(5000) });
    const { cache } = (await response.json()) as { cache: CacheStatus };
    return cache;
  }
}

/** Names and pids of the running processes of a cluster. */
export function processesOf({ cluster }: TriremeCluster): readonly (readonly [name: string, pid: number])[] {
  return cluster.describe().processes.flatMap(({ id, pid }) => (pid === null ? [] : [[id, pid] as const]));
}

interface CacheStatus {
  /** Number of cached stocks. */
  readonly size: number;
  readonly capacity: number;
  /** Since the start of the front-end. */
  readonly hits: number;
  readonly misses: number;
}

/** Contents of a seed file with `count` stocks. */
export function seedOf(count: number): readonly object[] {
  return Array.from({ length: count }, (_, rank) => ({
    name: stockName(rank),
    price: 55,
    quantity: QUANTITY,
  }));
}
