/** Our own cluster as the benchmarks run it: two catalogs, three replicas and a front-end as processes of this machine. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreeBasePort, LocalCluster } from '@trireme/cluster';
import { targetOf, type Target } from '../load/connection.js';
import type { Session } from './session.js';

/** Stocks are called by rank, the most popular first, so that they sort by it too. */
export function stockName(rank: number): string {
  return `STOCK${String(rank + 1).padStart(5, '0')}`;
}

/** So many of each that no benchmark runs out of any. */
const QUANTITY = 1_000_000_000;

interface TriremeOptions {
  /** Stocks that there are. */
  readonly stocks: number;
  /** Stocks that the front-end caches, null for no cache. */
  readonly cacheSize: number | null;
  /** 3 unless set. */
  readonly replicas?: number;
  /** 2 unless set. */
  readonly catalogs?: number;
  /** 1 unless set. */
  readonly frontends?: number;
}

export class Trireme {
  readonly cluster: LocalCluster;
  readonly target: Target;
  readonly url: string;
  /** Stops it and waits until it has. */
  readonly stop: () => Promise<void>;

  private constructor(cluster: LocalCluster, url: string, stop: () => Promise<void>) {
    this.cluster = cluster;
    this.url = url;
    this.target = targetOf(url);
    this.stop = stop;
  }

  /** Starts one with an empty store and waits until it takes orders. @throws ClusterError. */
  static async start(session: Session, options: TriremeOptions): Promise<Trireme> {
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
    await cluster.waitReady();
    const [url] = cluster.urls;
    if (url === undefined) throw new Error('the cluster has no front-end');
    return new Trireme(cluster, url, stop);
  }

  /** What the front-end says of its cache. */
  async cacheStatus(): Promise<CacheStatus> {
    const response = await fetch(`${this.url}/status`, { signal: AbortSignal.timeout(5000) });
    const { cache } = (await response.json()) as { cache: CacheStatus };
    return cache;
  }
}

/** The processes of a cluster that are up. */
export function processesOf({ cluster }: Trireme): readonly (readonly [name: string, pid: number])[] {
  return cluster.describe().processes.flatMap(({ id, pid }) => (pid === null ? [] : [[id, pid] as const]));
}

interface CacheStatus {
  /** Stocks in it now. */
  readonly size: number;
  readonly capacity: number;
  /** Counted since the front-end started. */
  readonly hits: number;
  readonly misses: number;
}

/** What a seed file of `count` stocks holds. */
export function seedOf(count: number): readonly object[] {
  return Array.from({ length: count }, (_, rank) => ({
    name: stockName(rank),
    price: 55,
    quantity: QUANTITY,
  }));
}
