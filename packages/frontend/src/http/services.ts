/** What the routes work with. */
import type { IncomingMessage } from 'node:http';
import { TriremeError, freshKey, type CommandWire } from '@trireme/domain';
import type { DurationSink, Log, Metrics } from '@trireme/service';
import type { Catalogs } from '../catalogs.js';
import type { Viewers } from '../dashboard/viewers.js';
import type { DeadlineTimer } from '../deadline-timer.js';
import type { Pages } from '../pages/pages.js';
import type { Replicas } from '../replicas.js';
import { NO_RESULT } from '../retry.js';
import type { Deadline } from '../rules/deadlines.js';
import type { OrderCounters } from '../rules/dashboard/traffic.js';
import { acceptKey } from '../rules/requests.js';
import type { Decided, Undecided } from '../rules/results.js';
import type { StockCache } from '../rules/stock-cache.js';
import type { StockReader } from '../stock-reader.js';
import type { RequestContext } from './call.js';
import type { Replies } from './replies.js';

export interface Services {
  readonly replies: Replies;
  readonly replicas: Replicas;
  readonly catalogs: Catalogs;
  readonly stocks: StockReader;
  readonly cache: StockCache;
  readonly deadlines: DeadlineTimer;
  readonly metrics: Metrics;
  /** Of the requests that had to ask someone. */
  readonly durations: DurationSink;
  readonly counters: OrderCounters;
  readonly log: Log;
  readonly viewers: Viewers;
  readonly pages: Pages;
  /** Id of this process. */
  readonly servedBy: string;
  /** Null where none is configured: then nobody may list or restock. */
  readonly operatorToken: string | null;
}

/**
 * Does one request within its deadline.
 * @throws TriremeError `UNAVAILABLE` if as many requests are open as may be.
 */
export async function withDeadline<T>(
  services: Services,
  serve: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = services.deadlines.open();
  try {
    return await serve(deadline);
  } finally {
    closeDeadline(services, deadline);
  }
}

/** Ends the watch over a request, and notes how long it took; returns that, in milliseconds. */
export function closeDeadline({ deadlines, durations }: Services, deadline: Deadline): number {
  const tookMs = performance.now() - deadline.openedAt;
  deadlines.close(deadline);
  durations.observe(tookMs / 1000);
  return tookMs;
}

/** The idempotency key that came with the request, or null. @throws TriremeError `INVALID_REQUEST`. */
export function keyOf(incoming: IncomingMessage): string | null {
  const header = incoming.headers['idempotency-key'];
  if (header === undefined) return null;
  // Several lines come joined by commas, which a single one may contain as well: only then is a closer look needed.
  const lines = header.includes(',') ? incoming.headersDistinct['idempotency-key'] : [header].flat();
  return acceptKey(lines);
}

/** The key of the command that was asked for: the client's, or one that is made now. */
export function commandKey(asked: RequestContext): string {
  return (asked.key ??= freshKey());
}

/** Sends a command through the log. What it calls back, and when, `Replicas.submit` says. */
export function submit(
  { replicas, log }: Services,
  { requestId, isFollowed }: RequestContext,
  deadline: Deadline,
  command: CommandWire,
  done: (result: Decided | Undecided) => void,
  failed: (error: unknown) => void,
): void {
  if (!isFollowed) {
    replicas.submit(command, deadline, done, failed);
    return;
  }
  const [, key] = command;
  log.debug({ requestId, key }, 'command received');
  const tell = (outcome: Decided | Undecided): void => {
    log.debug({ requestId, key, outcome }, 'command answered');
    done(outcome);
  };
  replicas.submit([...command, requestId], deadline, tell, failed);
}

/** @throws TriremeError `UNAVAILABLE` if the time ran out. */
export function inTime<T>(result: T | typeof NO_RESULT, what: string): T {
  if (result === NO_RESULT) throw new TriremeError('UNAVAILABLE', `${what} could not be read in time`);
  return result;
}
