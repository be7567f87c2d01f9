/** Observations of a cluster during a drill: the leader's memory, and whether the order books agree. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { InternalClient, LocalCluster } from '@trireme/cluster';

const SAMPLE_MS = 100;
const POLL_MS = 100;
/** Time limit of a request, in milliseconds. */
const REQUEST_MS_MAX = 2_000;
/** Time limit for the books to become equal after the last order, in milliseconds. */
const EQUAL_MS_MAX = 60_000;

/** Runs `work` and returns the peak memory of the leader meanwhile, in MiB. */
export async function peakLeaderMemory(cluster: LocalCluster, work: () => Promise<void>): Promise<number> {
  const sampling = { on: true };
  const peak = (async () => {
    let most = 0;
    while (sampling.on) {
      const leader = await cluster.leaderName();
      const pid = cluster.describe().processes.find(({ id }) => id === leader)?.pid ?? null;
      if (pid !== null) most = Math.max(most, memoryOf(pid));
      await delay(SAMPLE_MS);
    }
    return most;
  })();
  try {
    await work();
  } finally {
    sampling.on = false;
    await peak;
  }
  return peak;
}

/** Resident memory of a process in MiB; 0 if it has just ended. */
function memoryOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/**
 * Whether all replicas export the same book with `orders` orders, within a minute of the last order.
 * @param urls internal URLs of the replicas
 */
export async function awaitEqualBooks(
  urls: readonly string[],
  calls: InternalClient,
  orders: number,
): Promise<boolean> {
  const until = performance.now() + EQUAL_MS_MAX;
  while (performance.now() < until) {
    const statuses = await Promise.all(urls.map(async (url) => statusOf(url, calls)));
    if (statuses.every((status) => status?.pending === 0 && status.orders === orders)) {
      const books = await Promise.all(urls.map(async (url) => digestOf(url, calls)));
      return new Set(books).size === 1;
    }
    await delay(POLL_MS);
  }
  return false;
}

async function statusOf(
  url: string,
  calls: InternalClient,
): Promise<{ readonly pending: unknown; readonly orders: unknown } | null> {
  const answer = await calls.requestJson(`${url}/status`, REQUEST_MS_MAX);
  return answer === null ? null : (answer.body as { pending: unknown; orders: unknown });
}

async function digestOf(url: string, calls: InternalClient): Promise<string> {
  const { body } = await calls.openStream(`${url}/export`);
  const hash = createHash('sha256');
  if (body !== null) for await (const chunk of body as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest('hex');
}
