/** Rising connections: how much the cluster takes, and how fast it answers below that. */
import { closedLoop } from '../load/closed-loop.js';
import { openLoop } from '../load/open-loop.js';
import type { ProgressBar } from '../output/progress-bar.js';
import type { RampStep } from '../rules/load.js';
import { Ramp } from '../rules/ramp.js';
import { Tally } from '../rules/tally.js';
import type { RequestKind } from '../rules/trip.js';
import { cpuDuring } from '../system/cpu.js';
import { processesOf, type Trireme } from '../system/trireme.js';
import { requestsOf } from './requests.js';

/** Share of the closed loop's throughput at which the paced load comes. */
export const PACE = 0.5;

const WARMUP_MS = 1000;

export interface RampOptions {
  /** Connections at most. */
  readonly connectionsMax: number;
  /** Seconds of each closed and each paced loop. */
  readonly seconds: number;
  /** Orders that reads choose from. */
  readonly orders: number;
}

/** Numbers of connections that a ramp visits at most. */
export function rampSteps(connectionsMax: number): number {
  return Math.floor(Math.log2(connectionsMax)) + 1;
}

/** Runs one type of request with more and more connections. */
export async function runRamp(
  cluster: Trireme,
  kind: RequestKind,
  options: RampOptions,
  progress: ProgressBar,
): Promise<readonly RampStep[]> {
  const ramp = new Ramp(options.connectionsMax);
  const steps: RampStep[] = [];
  for (let connections = ramp.next; connections !== null; connections = ramp.next) {
    progress.begin(`${kind}, ${connections} connections`);
    const step = await measureStep(cluster, kind, connections, options);
    steps.push(step);
    ramp.measured(step.perSecond);
    progress.end();
  }
  progress.end(rampSteps(options.connectionsMax) - steps.length);
  return steps;
}

async function measureStep(
  cluster: Trireme,
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
  if (perSecond === 0) throw new Error(`no ${kind} was answered: ${JSON.stringify(closed.tally.failures)}`);
  const pacedPerSecond = PACE * perSecond;
  const paced = await openLoop({
    ...{ target, connections, perSecond: pacedPerSecond, count: Math.ceil(pacedPerSecond * seconds), next },
  });
  const both = new Tally();
  both.add(closed.tally);
  both.add(paced.tally);
  // CPU is read around the whole loop, so it is spread over the requests of the warm-up too.
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
