/** What a drill sees of the cluster beside the answers to its orders. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { InternalCalls, LocalCluster } from '@trireme/cluster';

const SAMPLE_MS = 100;
const POLL_MS = 100;
/** A question gets this long, in milliseconds. */
const ASK_MS_MAX = 2_000;
/** Books get this long to become equal once no orders flow, in milliseconds. */
const EQUAL_MS_MAX = 60_000;

/** Runs `work`, and tells the most memory that whoever led meanwhile was seen to hold, in MiB. */
export async function leaderMemory(cluster: LocalCluster, work: () => Promise<void>): Promise<number> {
  const watch = { on: true };
  const watching = (async () => {
    let most = 0;
    while (watch.on) {
      const leader = await cluster.leader();
      const pid = cluster.describe().processes.find(({ id }) => id === leader)?.pid ?? null;
      if (pid !== null) most = Math.max(most, memoryOf(pid));
      await delay(SAMPLE_MS);
    }
    return most;
  })();
  try {
    await work();
  } finally {
    watch.on = false;
    await watching;
  }
  return watching;
}

/** Resident memory in MiB, 0 for who has just ended. */
function memoryOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/**
 * Whether all replicas export the same book, of `orders` orders, within a minute of the last order.
 * @param urls the replicas' internal ports
 */
export async function booksAgree(
  urls: readonly string[],
  calls: InternalCalls,
  orders: number,
): Promise<boolean> {
  const until = performance.now() + EQUAL_MS_MAX;
  while (performance.now() < until) {
    const told = await Promise.all(urls.map(async (url) => statusOf(url, calls)));
    if (told.every((one) => one?.pending === 0 && one.orders === orders)) {
      const books = await Promise.all(urls.map(async (url) => digestOf(url, calls)));
      return new Set(books).size === 1;
    }
    await delay(POLL_MS);
  }
  return false;
}

async function statusOf(
  url: string,
  calls: InternalCalls,
): Promise<{ readonly pending: unknown; readonly orders: unknown } | null> {
  const answer = await calls.ask(`${url}/status`, ASK_MS_MAX);
  return answer === null ? null : (answer.body as { pending: unknown; orders: unknown });
}

async function digestOf(url: string, calls: InternalCalls): Promise<string> {
  const { body } = await calls.open(`${url}/export`);
  const hash = createHash('sha256');
  if (body !== null) for await (const chunk of body as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest('hex');
}
