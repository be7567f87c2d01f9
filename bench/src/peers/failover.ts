/**
 * Kills a leader under writes at a constant rate, and measures for how long no write is acknowledged, and
 * which fail.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openLoop } from '../generator/undici.js';
import { findOutage, type Outage, type TimedRequest } from '../rules/outage.js';
import type { Failures } from '../rules/outcomes.js';
import { requestSource, type RequestSeries } from '../rules/requests.js';

/** The outage after a kill, with the number of failed requests by reason. */
export interface Failover extends Outage {
  readonly failures: Failures;
}

/** Enough connections for all requests of an outage. */
const CONNECTIONS = 512;

/** Seconds of load before the kill, and after it. */
const BEFORE_SECONDS = 2;
const AFTER_SECONDS = 6;

/** Seconds of load of one failover. */
export const FAILOVER_SECONDS = BEFORE_SECONDS + AFTER_SECONDS;

export interface FailoverOptions {
  /** Process that gets the writes; it survives the kill. */
  readonly url: string;
  readonly requests: RequestSeries;
  readonly perSecond: number;
  /** Kills the leader with SIGKILL and waits until it has exited. */
  readonly kill: () => Promise<void>;
}

/** Runs the load and kills the leader during it. @throws Error if no write was acknowledged before the kill. */
export async function measureFailover(options: FailoverOptions): Promise<Failover> {
  const { url, perSecond } = options;
  const requests: TimedRequest[] = [];
  const load = openLoop({
    url,
    connections: CONNECTIONS,
    perSecond,
    count: Math.round(FAILOVER_SECONDS * perSecond),
    next: requestSource(options.requests),
    onDone: (intendedMs, doneMs, acknowledged) => requests.push({ intendedMs, doneMs, acknowledged }),
  });
  await Promise.race([load, delay(BEFORE_SECONDS * 1000)]);
  if (!requests.some(({ acknowledged }) => acknowledged)) {
    throw new Error(`${url} acknowledged no write in the ${BEFORE_SECONDS} s before the kill`);
  }
  const killedMs = performance.now();
  await options.kill();
  const { counter } = await load;
  return { ...findOutage(requests, killedMs), failures: counter.failures };
}
