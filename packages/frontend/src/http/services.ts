/** Dependencies of the routes, and helpers that they share. */
import type { IncomingMessage } from 'node:http';
import { TriremeError, generateKey, type CommandWire } from '@trireme/domain';
import type { DurationHistogram, Log, Metrics } from '@trireme/service';
import type { CatalogPool } from '../backends/catalog-pool.js';
import type { EventStreams } from '../dashboard/event-streams.js';
import type { DeadlineTimer } from '../backends/deadline-timer.js';
import type { Pages } from '../pages/pages.js';
import type { ReplicaPool } from '../backends/replica-pool.js';
import { NO_RESULT } from '../backends/retry.js';
import type { Deadline } from '../rules/deadlines.js';
import type { OrderCounters } from '../rules/dashboard/traffic.js';
import { parseKeyHeader } from '../rules/requests.js';
import type { FinalResult, NoResultReason } from '../rules/results.js';
import type { StockCache } from '../rules/stock-cache.js';
import type { StockReader } from '../backends/stock-reader.js';
import type { RequestContext } from './call.js';
import type { ResponseFactory } from './responses.js';

export interface RouteServices {
  readonly replies: ResponseFactory;
  readonly replicas: ReplicaPool;
  readonly catalogs: CatalogPool;
  readonly stocks: StockReader;
  readonly cache: StockCache;
  readonly deadlines: DeadlineTimer;
  readonly metrics: Metrics;
  /** Durations of requests that had to ask a replica or a catalog. */
  readonly durations: DurationHistogram;
  readonly counters: OrderCounters;
  readonly log: Log;
  readonly viewers: EventStreams;
  readonly pages: Pages;
  /** Name of this process. */
  readonly servedBy: string;
  /** Null if none is configured: then all requests that list or restock are rejected. */
  readonly operatorToken: string | null;
}

/**
 * Serves one request with a deadline.
 * @throws TriremeError `UNAVAILABLE` if too many requests are open.
 */
export async function withDeadline<T>(
  services: RouteServices,
  serve: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = services.deadlines.open();
  try {
    return await serve(deadline);
  } finally {
    closeDeadline(services, deadline);
  }
}

/** Closes the deadline of a request and records its duration. @returns the duration in milliseconds. */
export function closeDeadline({ deadlines, durations }: RouteServices, deadline: Deadline): number {
  const tookMs = performance.now() - deadline.openedAt;
  deadlines.close(deadline);
  durations.observe(tookMs / 1000);
  return tookMs;
}

/** The idempotency key of the request, or null. @throws TriremeError `INVALID_REQUEST`. */
export function idempotencyKeyOf(incoming: IncomingMessage): string | null {
  const header = incoming.headers['idempotency-key'];
  if (header === undefined) return null;
  // Node joins repeated headers with commas, but a single key may contain commas: then read the separate lines.
  const lines = header.includes(',') ? incoming.headersDistinct['idempotency-key'] : [header].flat();
  return parseKeyHeader(lines);
}

/** The idempotency key of the request, generated now if the client gave none. */
export function ensureIdempotencyKey(context: RequestContext): string {
  return (context.key ??= generateKey());
}

/** Submits a command; see `ReplicaPool.submit` for the callbacks. */
export function submitCommand(
  { replicas, log }: RouteServices,
  { requestId, isTraced }: RequestContext,
  deadline: Deadline,
  command: CommandWire,
  done: (result: FinalResult | NoResultReason) => void,
  failed: (error: unknown) => void,
): void {
  if (!isTraced) {
    replicas.submit(command, deadline, done, failed);
    return;
  }
  const [, key] = command;
  log.debug({ requestId, key }, 'command received');
  const onOutcome = (outcome: FinalResult | NoResultReason): void => {
    log.debug({ requestId, key, outcome }, 'command answered');
    done(outcome);
  };
  replicas.submit([...command, requestId], deadline, onOutcome, failed);
}

/** Returns the result. @throws TriremeError `UNAVAILABLE` if it is `NO_RESULT`. */
export function requireResult<T>(result: T | typeof NO_RESULT, what: string): T {
  if (result === NO_RESULT)
    throw new TriremeError('UNAVAILABLE', `${what} could not be read before the deadline; retry later`);
  return result;
}
