/** A long run of orders: does throughput last, and does memory stay? */
import { closedLoop } from '../load/closed-loop.js';
import { requestsOf } from '../load-test/requests.js';
import type { ProgressBar } from '../output/progress-bar.js';
import type { Soak, SoakWindow, Thousand } from '../rules/soak.js';
import { residentMiB } from '../system/memory.js';
import { processesOf, type Trireme } from '../system/trireme.js';

/** From which the orders come. */
export const SOAK_CONNECTIONS = 256;

const WINDOW_SECONDS = 5;

/** Rows that the result has at most: windows are put together until they are no more. */
const WINDOWS_MAX = 20;

/** Places orders until `orders` have been filled. @throws Error if one is not answered with 200. */
export async function runSoak(
  cluster: Trireme,
  orders: number,
  progress: ProgressBar,
  weight: number,
): Promise<Soak> {
  const { target } = cluster;
  const memoryBeforeMiB = memoryOf(cluster);
  const windows: SoakWindow[] = [];
  const thousands: Thousand[] = [];
  for (let placed = 0; placed < orders;) {
    progress.begin(`${placed} of ${orders} orders`);
    const { tally, perSecond } = await closedLoop({
      ...{ target, connections: SOAK_CONNECTIONS, warmupMs: 0, countedMs: WINDOW_SECONDS * 1000 },
      next: timed(requestsOf('order', target, 1), placed, thousands),
    });
    if (tally.failed > 0) throw new Error(`orders failed: ${JSON.stringify(tally.failures)}`);
    const filled = tally.latency.count;
    placed += filled;
    windows.push({ orders: placed, perSecond, memoryMiB: memoryOf(cluster) });
    progress.end((weight * Math.min(filled, orders - placed + filled)) / orders);
  }
  return { windows: thinOut(windows), thousands, memoryBeforeMiB };
}

/** Notes how long each thousand takes: in a closed loop as many requests are sent as are answered. */
function timed(next: () => Buffer, placed: number, thousands: Thousand[]): () => Buffer {
  let sent = -SOAK_CONNECTIONS;
  let beganMs = 0;
  return () => {
    if (sent === 0) beganMs = performance.now();
    sent += 1;
    if (sent > 1 && sent % 1000 === 1) {
      const nowMs = performance.now();
      thousands.push({ orders: placed + sent - 1, perSecond: 1_000_000 / (nowMs - beganMs) });
      beganMs = nowMs;
    }
    return next();
  };
}

function memoryOf(cluster: Trireme): Readonly<Record<string, number>> {
  const known = processesOf(cluster).flatMap(([name, pid]) => {
    const mib = residentMiB(pid);
    return mib === null ? [] : [[name, mib] as const];
  });
  return Object.fromEntries(known);
}

/** Keeps the first window and every n-th after it, the last among them. */
function thinOut(windows: readonly SoakWindow[]): readonly SoakWindow[] {
  const step = Math.ceil(windows.length / WINDOWS_MAX);
  return windows.filter((_, i) => i === 0 || (windows.length - 1 - i) % step === 0);
}
