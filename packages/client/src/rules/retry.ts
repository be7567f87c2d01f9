/** What a failed try means: whether another one may pass, after how long, and what is known of the outcome. */
import { ERROR_CODES } from '@trireme/domain';

/** First wait, doubled with every try. */
const DELAY_MS_MIN = 20;

/** Longest wait that the client chooses itself; the server's `Retry-After` may ask for more. */
const DELAY_MS_MAX = 1000;

/** Longest `Retry-After` that is followed. */
const RETRY_AFTER_MS_MAX = 5000;

const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;

/** How a try failed. */
export interface FailedTry {
  /** The contract's word, or one of the client's own. */
  readonly status: string;
  /** HTTP status code, 0 where there was no answer. */
  readonly code: number;
  /** Seconds that the server asks to wait, null if it says nothing. */
  readonly retryAfter: number | null;
}

/**
 * Milliseconds to wait before the next try, null if there is to be none. A connection that fails and any 408, 429 or 5xx
 * may pass, whoever answers it: a proxy's page as well.
 * @param attempt how many tries there have been, 1 or more.
 * @param retries how many more than the first are allowed.
 * @param msLeft until the deadline of the whole call.
 * @param random from 0 up to 1, spreads clients that failed together.
 */
export function retryDelayMs(
  failure: FailedTry,
  {
    attempt,
    retries,
    msLeft,
  }: { readonly attempt: number; readonly retries: number; readonly msLeft: number },
  random: number,
): number | null {
  if (attempt > retries || !mayPass(failure)) return null;
  const backoff = Math.min(DELAY_MS_MIN * 2 ** (attempt - 1), DELAY_MS_MAX);
  const asked = Math.min((failure.retryAfter ?? 0) * 1000, RETRY_AFTER_MS_MAX);
  const waitMs = Math.max(asked, backoff * (0.5 + random / 2));
  return waitMs < msLeft ? waitMs : null;
}

function mayPass({ status, code }: FailedTry): boolean {
  if (status === 'NO_ANSWER' || status === 'TIMEOUT') return true;
  return code === REQUEST_TIMEOUT || code === TOO_MANY_REQUESTS || code >= SERVER_ERROR;
}

/** Words that answer for the key: whatever an earlier try came to, this is its outcome. */
const OUTCOMES: ReadonlySet<string> = new Set([
  'INSUFFICIENT_STOCK',
  'STOCK_NOT_FOUND',
  'LIMIT_REACHED',
  'KEY_REUSED',
  'INVALID_ORDER',
  'INVALID_STOCK',
]);

/**
 * Whether a change may have been made, or may yet be, after a try of it failed.
 * @param status the contract's word, or one of the client's own.
 * @param isSent false if the request surely never reached anyone.
 * @param wasUnknown whether it was so after the tries before, under the same key.
 */
export function isOutcomeUnknown(status: string, isSent: boolean, wasUnknown: boolean): boolean {
  if (OUTCOMES.has(status)) return false;
  return wasUnknown || (isSent && !hasNoEffect(status));
}

/** Whether the contract says of a word that the request had no effect. What is not the contract's says nothing. */
function hasNoEffect(status: string): boolean {
  const code = new Map<string, number>(Object.entries(ERROR_CODES)).get(status);
  return status === 'UNAVAILABLE' || (code !== undefined && code < SERVER_ERROR);
}
