/** Restarts replicas on their data, and measures time, memory and disk usage. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RestartMeasurement, DiskUsage } from '../rules/restart.js';
import { memoryMiB } from '../system/processes.js';
import type { TriremeCluster } from '../system/trireme.js';

/** Orders whose records a replica surely checks in one second, after its start and beside its other work. */
const CHECKED_PER_SECOND = 10_000;
/** Longer than the check of a small book. */
const WATCH_SECONDS_MIN = 5;

/** Restarts a replica, and measures it until it has checked every record of a book with `orders` orders. */
export async function measureRestart(
  trireme: TriremeCluster,
  replica: string,
  after: RestartMeasurement['after'],
  orders: number,
): Promise<RestartMeasurement> {
  const { cluster } = trireme;
  await cluster.kill(replica, after);
  const startedMs = performance.now();
  await cluster.startProcess(replica);
  await cluster.awaitProcessReady(replica, 120_000);
  const readyMs = performance.now() - startedMs;
  const pid = trireme.processes.find(([name]) => name === replica)?.[1] ?? 0;
  const readyMiB = memoryMiB(pid, 'resident');
  await delay(1000 * Math.max(WATCH_SECONDS_MIN, orders / CHECKED_PER_SECOND));
  return {
    replica,
    after,
    readyMs,
    readyMiB,
    peakMiB: memoryMiB(pid, 'peak'),
    ownMiB: memoryMiB(pid, 'anonymous'),
  };
}

/** Disk usage of each replica, by store. */
export function diskUsageOf({ cluster }: TriremeCluster): readonly DiskUsage[] {
  return readdirSync(cluster.dataDir)
    .filter((name) => /^replica-\d+$/.test(name))
    .sort()
    .map((name) => {
      const folder = join(cluster.dataDir, name);
      const stores = readdirSync(folder).filter((store) => statSync(join(folder, store)).isDirectory());
      const sizes = stores.map((store) => [store, bytesIn(join(folder, store))] as const);
      return { name, bytes: stores.length === 0 ? { all: bytesIn(folder) } : Object.fromEntries(sizes) };
    });
}

function bytesIn(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) {
    // A compaction may remove a file at any time.
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
