/** A long run of orders: does throughput last, and does memory stay? */
import { closedLoop } from '../load/closed-loop.js';
import type { ProgressBar } from '../output/progress-bar.js';
import type { SoakWindow } from '../rules/load.js';
import { residentMiB } from '../system/memory.js';
import { processesOf, type Trireme } from '../system/trireme.js';
import { requestsOf } from './requests.js';

const CONNECTIONS = 256;

const WINDOW_SECONDS = 5;

/** Rows that the result has at most: windows are put together until they are no more. */
const WINDOWS_MAX = 20;

/** Places orders until `orders` have been filled. @throws Error if one is not answered with 200. */
export async function runSoak(
  cluster: Trireme,
  orders: number,
  progress: ProgressBar,
  weight: number,
): Promise<readonly SoakWindow[]> {
  const { target } = cluster;
  const windows: SoakWindow[] = [];
  for (let placed = 0; placed < orders;) {
    progress.begin(`${placed} of ${orders} orders`);
    const { tally, perSecond } = await closedLoop({
      ...{ target, connections: CONNECTIONS, warmupMs: 0, countedMs: WINDOW_SECONDS * 1000 },
      next: requestsOf('order', target, 1),
    });
    if (tally.failed > 0) throw new Error(`orders failed: ${JSON.stringify(tally.failures)}`);
    const filled = Math.min(tally.latency.count, orders - placed);
    placed += filled;
    windows.push({ orders: placed, perSecond, memoryMiB: memoryOf(cluster) });
    progress.end((weight * filled) / orders);
  }
  return thinOut(windows);
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
