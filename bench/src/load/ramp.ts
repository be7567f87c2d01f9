/** A ramp of connections: the peak throughput of the cluster, and its latency below the peak. */
import { measurePeak, type Tool } from '../generator/peak.js';
import { openLoop } from '../generator/undici.js';
import type { ProgressBar } from '../output/progress-bar.js';
import type { RampStep } from '../rules/load.js';
import { sumFailures } from '../rules/outcomes.js';
import { Ramp } from '../rules/ramp.js';
import { requestsOf, requestSource, type RequestKind } from '../rules/requests.js';
import { cpuDuring } from '../system/processes.js';
import type { TriremeCluster } from '../system/trireme.js';

/** Rate of the open loop, as a share of the closed loop's throughput. */
export const OPEN_LOOP_SHARE = 0.5;

/** Maximum rate of the open loop: what the generator sends on time beside the cluster, on two cores. */
export const OPEN_LOOP_PER_SECOND_MAX = 10_000;

/** Enough connections that the open loop measures the system and not the round trip of the generator. */
const OPEN_LOOP_CONNECTIONS = 64;

const WARMUP_SECONDS = 1;

export interface RampOptions {
  readonly tool: Tool;
  /** Maximum number of connections. */
  readonly connectionsMax: number;
  /** Duration of each closed and each open loop. */
  readonly seconds: number;
  /** Existing orders that order reads choose from. */
  readonly orders: number;
  /** Folder for files of the load generator. */
  readonly folder: string;
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
  { url, processes }: TriremeCluster,
  kind: RequestKind,
  connections: number,
  { tool, seconds, orders, folder }: RampOptions,
): Promise<RampStep> {
  const requests = requestsOf(kind, orders);
  const { result: closed, cpu } = await cpuDuring(processes, async () =>
    measurePeak(tool, { url, connections, warmupSeconds: WARMUP_SECONDS, seconds, requests, folder }),
  );
  const { perSecond } = closed;
  const pacedPerSecond = Math.min(OPEN_LOOP_SHARE * perSecond, OPEN_LOOP_PER_SECOND_MAX);
  const count = Math.ceil(pacedPerSecond * seconds);
  const next = requestSource(requests);
  const { counter, lateness } = await openLoop({
    url,
    perSecond: pacedPerSecond,
    count,
    next,
    connections: Math.max(connections, OPEN_LOOP_CONNECTIONS),
  });
  // The measured CPU time includes the warm-up, so the divisor includes the requests of the warm-up.
  const answered = perSecond * (seconds + WARMUP_SECONDS);
  const cpuUs = Object.entries(cpu).map(([name, used]) => [name, (used * 1e6) / answered] as const);
  return {
    kind,
    connections,
    perSecond,
    pacedPerSecond,
    failures: sumFailures([closed, counter]),
    closed: closed.latency,
    paced: counter.latency.summary(),
    latenessP99: lateness.at(99),
    cpuUs: Object.fromEntries(cpuUs),
  };
}
