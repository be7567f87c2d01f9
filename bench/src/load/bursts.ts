/** A fixed number of requests of each type at a constant rate. */
import { openLoop } from '../generator/undici.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { interleave } from '../rules/interleave.js';
import type { Burst } from '../rules/load.js';
import { requestsOf, requestSource, type RequestKind } from '../rules/requests.js';
import type { TriremeCluster } from '../system/trireme.js';

/** Each burst takes two seconds, at a rate well below what the cluster can handle. */
const BURSTS: readonly {
  readonly kind: RequestKind;
  readonly requests: number;
  readonly perSecond: number;
}[] = [
  { kind: 'order', requests: 100, perSecond: 50 },
  { kind: 'lookup', requests: 1000, perSecond: 500 },
  { kind: 'order read', requests: 1000, perSecond: 500 },
];

/** Maximum number of connections: enough that one is idle for each request while the system keeps up. */
export const BURST_CONNECTIONS = 32;

export function burstSteps(repetitions: number): number {
  return BURSTS.length * repetitions;
}

/**
 * Sends each burst once as warm-up, then all of them interleaved.
 * @param orders number of existing orders to read.
 */
export async function runBursts(
  cluster: TriremeCluster,
  repetitions: number,
  orders: number,
  progress: ProgressBar,
): Promise<readonly Burst[]> {
  const send = async (burst: (typeof BURSTS)[number]): Promise<Omit<Burst, 'repetition'>> => {
    const { kind, requests: count, perSecond } = burst;
    const { counter, lateness } = await openLoop({
      url: cluster.url,
      connections: BURST_CONNECTIONS,
      perSecond,
      count,
      next: requestSource(requestsOf(kind, orders)),
    });
    const { latency, failures } = counter;
    return { ...burst, latency: latency.summary(), latenessP99: lateness.at(99), failures };
  };
  for (const burst of BURSTS) await send(burst);
  const bursts: Burst[] = [];
  for (const { repetition, condition } of interleave(BURSTS, repetitions)) {
    progress.begin(`${condition.requests} × ${condition.kind}, repetition ${repetition + 1}`);
    bursts.push({ repetition, ...(await send(condition)) });
    progress.end();
  }
  return bursts;
}
