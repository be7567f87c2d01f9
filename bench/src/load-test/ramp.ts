/** A ramp of connections: the peak throughput of the cluster, and its latency below the peak. */
import { closedLoop } from '../load/closed-loop.js';
import { openLoop } from '../load/open-loop.js';
import type { ProgressBar } from '../output/progress-bar.js';
import type { RampStep } from '../rules/load.js';
import { Ramp } from '../rules/ramp.js';
import { RequestCounter } from '../rules/counter.js';
import type { RequestKind } from '../rules/client-plan.js';
import { cpuDuring } from '../system/cpu.js';
import { processesOf, type TriremeCluster } from '../system/trireme.js';
import { requestsOf } from './requests.js';

/** Rate of the open loop, as a share of the closed loop's throughput. */
export const OPEN_LOOP_SHARE = 0.5;

const WARMUP_MS = 1000;

export interface RampOptions {
  /** Maximum number of connections. */
  readonly connectionsMax: number;
  /** Duration of each closed and each open loop. */
  readonly seconds: number;
  /** Existing orders that order reads choose from. */
  readonly orders: number;
}

/** Maximum number of steps of a ramp. */
export function rampSteps(connectionsMax: number): number {
  return Math.floor(Math.log2(connectionsMax)) + 1;
}

/** Runs one type of request over more and more connections. */
export async function runRamp(
  cluster: TriremeCluster,
  kind: RequestKind,
  options: RampOptions,
  progress: ProgressBar,
): Promise<readonly RampStep[]> {
  const ramp = new Ramp(options.connectionsMax);
  const steps: RampStep[] = [];
  for (let connections = ramp.nextConnections; connections !== null; connections = ramp.nextConnections) {
    progress.begin(`${kind}, ${connections} connections`);
    const step = await measureStep(cluster, kind, connections, options);
    steps.push(step);
    ramp.recordThroughput(step.perSecond);
    progress.end();
  }
  progress.end(rampSteps(options.connectionsMax) - steps.length);
  return steps;
}

async function measureStep(
  cluster: TriremeCluster,
  kind: RequestKind,
  connections: number,
  { seconds, orders }: RampOptions,
): Promise<RampStep> {
  const { target } = cluster;
  const next = requestsOf(kind, target, orders);
  const countedMs = seconds * 1000;
  const { result: closed, cpu } = await cpuDuring(processesOf(cluster), async () =>
    closedLoop({ target, connections, warmupMs: WARMUP_MS, countedMs, next }),
  );
  const { perSecond } = closed;
  if (perSecond === 0)
    throw new Error(`every ${kind} failed; failures by reason: ${JSON.stringify(closed.tally.failures)}`);
  const pacedPerSecond = OPEN_LOOP_SHARE * perSecond;
  const paced = await openLoop({
    ...{ target, connections, perSecond: pacedPerSecond, count: Math.ceil(pacedPerSecond * seconds), next },
  });
  const both = new RequestCounter();
  both.add(closed.tally);
  both.add(paced.tally);
  // The measured CPU time includes the warm-up, so the divisor includes the requests of the warm-up.
  const requests = (perSecond * (countedMs + WARMUP_MS)) / 1000;
  const cpuUs = Object.entries(cpu).map(([name, used]) => [name, (used * 1e6) / requests]);
  return {
    ...{ kind, connections, perSecond, pacedPerSecond, failures: both.failures },
    closed: closed.tally.latency.summary(),
    paced: paced.tally.latency.summary(),
    latenessP99: paced.lateness.at(99),
    cpuUs: Object.fromEntries(cpuUs) as Record<string, number>,
  };
}
