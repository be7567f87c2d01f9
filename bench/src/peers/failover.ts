/** A leader is killed while writes come at an even rate: how long is nothing acknowledged, and what is lost? */
import { setTimeout as delay } from 'node:timers/promises';
import { hostOf, type Target } from '../load/connection.js';
import { openLoop } from '../load/open-loop.js';
import { requestSource, type NumberedRequests } from '../rules/numbered.js';
import { findOutage, type Outage, type Request } from '../rules/outage.js';

/** What a kill did, and what the requests that failed got instead of a 200. */
export interface Failover extends Outage {
  readonly failures: Readonly<Record<string, number>>;
}

/** Enough that none of the requests of an outage waits for a connection. */
const CONNECTIONS = 512;

/** Seconds of load before the kill, and after it. */
const BEFORE_SECONDS = 2;
const AFTER_SECONDS = 6;

/** Seconds of load of one fail-over. */
export const FAILOVER_SECONDS = BEFORE_SECONDS + AFTER_SECONDS;

export interface FailoverOptions {
  /** Where the writes go: it survives. */
  readonly target: Target;
  readonly requests: NumberedRequests;
  readonly perSecond: number;
  /** Kills the leader with SIGKILL, and waits for its end. */
  readonly kill: () => Promise<void>;
}

/** Runs the load and kills. @throws Error if nothing was acknowledged before the kill. */
export async function measureFailover(options: FailoverOptions): Promise<Failover> {
  const { target, perSecond } = options;
  const requests: Request[] = [];
  const load = openLoop({
    ...{ target, connections: CONNECTIONS, perSecond, count: Math.round(FAILOVER_SECONDS * perSecond) },
    next: requestSource(options.requests, Math.random),
    onDone: (intendedMs, doneMs, acknowledged) => requests.push({ intendedMs, doneMs, acknowledged }),
  });
  await Promise.race([load, delay(BEFORE_SECONDS * 1000)]);
  if (!requests.some(({ acknowledged }) => acknowledged)) {
    throw new Error(`${hostOf(target)} acknowledged nothing before its leader was killed`);
  }
  const killedMs = performance.now();
  await options.kill();
  const { tally } = await load;
  return { ...findOutage(requests, killedMs), failures: tally.failures };
}
