/** Rules for a failed attempt: whether and when to retry, and whether the outcome is unknown. */
import { HTTP_STATUS_OF } from '@trireme/domain';

/** First backoff, doubled with every attempt. */
const DELAY_MS_MIN = 20;

/** Maximum backoff; the server's `Retry-After` may be longer. */
const DELAY_MS_MAX = 1000;

/** Maximum `Retry-After` that the client follows. */
const RETRY_AFTER_MS_MAX = 5000;

const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;

/** How an attempt failed. */
export interface FailedAttempt {
  /** Error status of the contract, or one of the client. */
  readonly status: string;
  /** HTTP status code; 0 without an answer. */
  readonly code: number;
  /** Seconds of the server's `Retry-After`; null if there is none. */
  readonly retryAfter: number | null;
}

/**
 * Milliseconds to wait before the next attempt; null for no further attempt. Failed connections and every 408, 429 or
 * 5xx are temporary, also if a proxy answers them.
 * @param attempt number of attempts so far, 1 or more.
 * @param retries maximum number of retries after the first attempt.
 * @param msLeft milliseconds until the deadline of the whole call.
 * @param random jitter from 0 to 1, so that clients that failed together do not retry together.
 */
export function retryDelayMs(
  failure: FailedAttempt,
  {
    attempt,
    retries,
    msLeft,
  }: { readonly attempt: number; readonly retries: number; readonly msLeft: number },
  random: number,
): number | null {
  if (attempt > retries || !isTemporary(failure)) return null;
  const backoff = Math.min(DELAY_MS_MIN * 2 ** (attempt - 1), DELAY_MS_MAX);
  const retryAfterMs = Math.min((failure.retryAfter ?? 0) * 1000, RETRY_AFTER_MS_MAX);
  const waitMs = Math.max(retryAfterMs, backoff * (0.5 + random / 2));
  return waitMs < msLeft ? waitMs : null;
}

function isTemporary({ status, code }: FailedAttempt): boolean {
  if (status === 'NO_ANSWER' || status === 'TIMEOUT') return true;
  return code === REQUEST_TIMEOUT || code === TOO_MANY_REQUESTS || code >= SERVER_ERROR;
}

/** Statuses that are the outcome of the idempotency key, also of earlier attempts with it. */
const OUTCOMES: ReadonlySet<string> = new Set([
  'INSUFFICIENT_STOCK',
  'STOCK_NOT_FOUND',
  'LIMIT_REACHED',
  'KEY_REUSED',
  'INVALID_ORDER',
  'INVALID_STOCK',
]);

/**
 * Whether a change may have taken effect, or may still do so, after a failed attempt.
 * @param status error status of the contract, or one of the client.
 * @param isSent false if the request certainly reached no server.
 * @param wasUnknown whether the outcome was unknown after earlier attempts with the same key.
 */
export function isOutcomeUnknown(status: string, isSent: boolean, wasUnknown: boolean): boolean {
  if (OUTCOMES.has(status)) return false;
  return wasUnknown || (isSent && !hasNoEffect(status));
}

/** Whether the contract guarantees that a request with this status had no effect. */
function hasNoEffect(status: string): boolean {
  const code = new Map<string, number>(Object.entries(HTTP_STATUS_OF)).get(status);
  return status === 'UNAVAILABLE' || (code !== undefined && code < SERVER_ERROR);
}
