/**
 * A Trireme cluster for benchmarks: by default two catalogs, three replicas and one front-end on this
 * machine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreeBasePort, LocalCluster } from '@trireme/cluster';
import { stockName } from '../rules/requests.js';
import type { BenchSession } from './session.js';

/** Initial quantity of each stock; no benchmark buys that many. */
const QUANTITY = 1_000_000_000;

/** A system under test. */
export interface RunningSystem {
  /** Where it takes requests. */
  readonly url: string;
  /** Stops all processes and waits until they have exited. */
  readonly stop: () => Promise<void>;
}

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

export class TriremeCluster implements RunningSystem {
  readonly cluster: LocalCluster;
  readonly url: string;
  readonly stop: () => Promise<void>;

  private constructor(cluster: LocalCluster, url: string, stop: () => Promise<void>) {
    this.cluster = cluster;
    this.url = url;
    this.stop = stop;
  }

  /** Starts a cluster with an empty store and waits until it is ready. @throws ClusterError. */
  static async start(session: BenchSession, options: TriremeOptions): Promise<TriremeCluster> {
    const { stocks, cacheSize, replicas = 3, catalogs = 2, frontends = 1 } = options;
    const port = await findFreeBasePort();
    const seedFile = writeSeed(session, port, stocks);
    const cluster = new LocalCluster({
      port,
      seedFile,
      cacheSize,
      replicas,
      catalogs,
      frontends,
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

  /** Names and pids of the running processes. */
  get processes(): readonly (readonly [name: string, pid: number])[] {
    const { processes } = this.cluster.describe();
    return processes.flatMap(({ id, pid }) => (pid === null ? [] : [[id, pid] as const]));
  }

  /** Cache statistics of the front-end. */
  async cacheStatus(): Promise<CacheStatus> {
    const response = await fetch(`${this.url}/status`, { signal: AbortSignal.timeout(5000) });
    const { cache } = (await response.json()) as { cache: CacheStatus };
    return cache;
  }
}

interface CacheStatus {
  /** Number of cached stocks. */
  readonly size: number;
  readonly capacity: number;
  /** Since the start of the front-end. */
  readonly hits: number;
  readonly misses: number;
}

/** Writes a seed file with that many stocks, and returns its path. */
export function writeSeed(session: BenchSession, port: number, stocks: number): string {
  const seed = Array.from({ length: stocks }, (_, rank) => ({
    name: stockName(rank),
    price: 55,
    quantity: QUANTITY,
  }));
  const file = join(session.folder, `seed-${port}.json`);
  writeFileSync(file, JSON.stringify(seed));
  return file;
}
