/** Dependencies of the routes, and helpers that they share. */
import { TriremeError, generateKey, type CommandWire } from '@trireme/domain';
import type { DurationHistogram, LinkIdentity, Log, Metrics, Secret } from '@trireme/service';
import type { CatalogPool } from '../backends/catalog-pool.js';
import type { Asset } from '../dashboard/assets.js';
import type { EventStreams } from '../dashboard/event-streams.js';
import type { DeadlineTimer } from '../backends/deadline-timer.js';
import type { Pages } from '../pages/pages.js';
import type { ReplicaPool } from '../backends/replica-pool.js';
import { NO_RESULT } from '../backends/retry.js';
import type { Deadline } from '../rules/deadlines.js';
import type { OrderCounters } from '../rules/dashboard/traffic.js';
import type { FinalResult, NoResultReason } from '../rules/results.js';
import type { StockCache } from '../rules/stock-cache.js';
import type { StockReader } from '../backends/stock-reader.js';
import type { RequestContext } from '../http/call.js';
import type { ResponseFactory } from '../http/responses.js';

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
  /** Files that the pages load, by name. */
  readonly assets: ReadonlyMap<string, Asset>;
  /** Null if none is configured: then all requests that list or restock are rejected. */
  readonly operatorToken: Secret;
  readonly identity: LinkIdentity;
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
    services.durations.observe((performance.now() - deadline.openedAt) / 1000);
    services.deadlines.close(deadline);
  }
}

/** The idempotency key of the request, generated now if the client gave none. */
export function ensureIdempotencyKey(context: RequestContext): string {
  return (context.key ??= generateKey());
}

/** Submits a command; resolves at the latest at the deadline. */
export async function submitCommand(
  { replicas, log }: RouteServices,
  { requestId, isTraced }: RequestContext,
  deadline: Deadline,
  command: CommandWire,
): Promise<FinalResult | NoResultReason> {
  if (!isTraced) return replicas.requests.submit(command, deadline);
  const [, key] = command;
  log.debug({ requestId, key }, 'command received');
  const outcome = await replicas.requests.submit([...command, requestId], deadline);
  log.debug({ requestId, key, outcome }, 'command answered');
  return outcome;
}

/** Returns the result. @throws TriremeError `UNAVAILABLE` if it is `NO_RESULT`. */
export function requireResult<T>(result: T | typeof NO_RESULT, what: string): T {
  if (result === NO_RESULT)
    throw new TriremeError('UNAVAILABLE', `${what} could not be read before the deadline; retry later`);
  return result;
}

/**
 * The JSON of one page of a list: `{"data":[...],"next":...}`.
 * @param next cursor of the next page, null at the end.
 * @param rowJson serializes one row.
 */
export function pageJson<Row>(
  rows: readonly Row[],
  next: string | number | null,
  rowJson: (row: Row) => string,
): string {
  return `{"data":[${rows.map(rowJson).join(',')}],"next":${JSON.stringify(next)}}`;
}
