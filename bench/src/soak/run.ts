/** A long run of orders that measures throughput and memory over time. */
import { closedLoop } from '../generator/undici.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { countFailed } from '../rules/outcomes.js';
import { SELL_ONE, type HttpRequest } from '../rules/requests.js';
import type { SoakResult, SoakWindow, ThousandOrders } from '../rules/soak.js';
import { memoryMiB } from '../system/processes.js';
import type { TriremeCluster } from '../system/trireme.js';

/** Connections to the front-end. */
export const SOAK_CONNECTIONS = 256;

const WINDOW_SECONDS = 5;

/** Maximum number of rows of the result; of more windows, only every n-th is reported. */
const WINDOWS_MAX = 20;

/** Places orders until `orders` are filled. @throws Error if an order fails, or none is answered in a window. */
export async function runSoak(
  cluster: TriremeCluster,
  orders: number,
  progress: ProgressBar,
  weight: number,
): Promise<SoakResult> {
  const memoryBeforeMiB = memoryOf(cluster);
  const windows: SoakWindow[] = [];
  const thousands: ThousandOrders[] = [];
  for (let placed = 0; placed < orders;) {
    progress.begin(`${placed} of ${orders} orders`);
    const { counter, perSecond } = await closedLoop({
      url: cluster.url,
      connections: SOAK_CONNECTIONS,
      warmupMs: 0,
      countedMs: WINDOW_SECONDS * 1000,
      next: timed(placed, thousands),
    });
    if (countFailed(counter.failures) > 0)
      throw new Error(`orders failed; failures by reason: ${JSON.stringify(counter.failures)}`);
    const filled = counter.latency.count;
    if (filled === 0) throw new Error(`no order was answered in ${WINDOW_SECONDS} s`);
    placed += filled;
    windows.push({ orders: placed, perSecond, memoryMiB: memoryOf(cluster) });
    progress.end((weight * Math.min(filled, orders - placed + filled)) / orders);
  }
  return { windows: thinOut(windows), thousands, memoryBeforeMiB };
}

/** Orders that record the rate of each thousand. In a closed loop they are sent as fast as answers arrive. */
function timed(placed: number, thousands: ThousandOrders[]): () => HttpRequest {
  let sent = -SOAK_CONNECTIONS;
  let startedMs = 0;
  return () => {
    if (sent === 0) startedMs = performance.now();
    sent += 1;
    if (sent > 1 && sent % 1000 === 1) {
      const nowMs = performance.now();
      thousands.push({ orders: placed + sent - 1, perSecond: 1_000_000 / (nowMs - startedMs) });
      startedMs = nowMs;
    }
    return SELL_ONE;
  };
}

function memoryOf({ processes }: TriremeCluster): Readonly<Record<string, number>> {
  const entries = processes.flatMap(([name, pid]) => {
    const mib = memoryMiB(pid, 'resident');
    return mib === null ? [] : [[name, mib] as const];
  });
  return Object.fromEntries(entries);
}

/** Keeps the first window and every n-th window, including the last one. */
function thinOut(windows: readonly SoakWindow[]): readonly SoakWindow[] {
  const step = Math.ceil(windows.length / WINDOWS_MAX);
  return windows.filter((_, i) => i === 0 || (windows.length - 1 - i) % step === 0);
}
