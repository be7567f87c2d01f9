/** Stops and starts replicas on the data that they have, and looks at what these take. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Restart, Stored } from '../rules/restart.js';
import { ownMiB, peakMiB, residentMiB } from '../system/memory.js';
import { processesOf, type Trireme } from '../system/trireme.js';

/** A replica reads its book beside the work, about 40,000 records a second, of which an order makes two or three. */
const CHECKED_PER_SECOND = 10_000;
/** More than the check of a small book takes. */
const WATCH_SECONDS_MIN = 5;

/** Ends a replica, starts it again, and watches it until it has read every record of a book of `orders`. */
export async function restart(
  trireme: Trireme,
  replica: string,
  after: Restart['after'],
  orders: number,
): Promise<Restart> {
  const { cluster } = trireme;
  await cluster.kill(replica, after);
  const startedMs = performance.now();
  await cluster.startProcess(replica);
  await cluster.waitProcessReady(replica, 120_000);
  const readyMs = performance.now() - startedMs;
  const pid = processesOf(trireme).find(([name]) => name === replica)?.[1] ?? 0;
  const readyMiB = residentMiB(pid);
  await delay(1000 * Math.max(WATCH_SECONDS_MIN, orders / CHECKED_PER_SECOND));
  return { replica, after, readyMs, readyMiB, peakMiB: peakMiB(pid), ownMiB: ownMiB(pid) };
}

/** What each process of a stateful role has on disk. */
export function storedBy({ cluster }: Trireme): readonly Stored[] {
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
    // A compaction may remove one meanwhile.
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
