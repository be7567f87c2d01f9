/** When a request may be sent again, and after how long. Only what cannot take effect twice is ever asked about. */

/** First wait, doubled with every try. */
const DELAY_MS_MIN = 20;

/** Longest wait that the client chooses itself; the server's `Retry-After` may ask for more. */
const DELAY_MS_MAX = 1000;

/** Longest `Retry-After` that is followed. */
const RETRY_AFTER_MS_MAX = 5000;

const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'OUTCOME_UNKNOWN', 'NO_ANSWER', 'TIMEOUT']);

/**
 * Milliseconds to wait before the next try, null if there is to be none.
 * @param failure what the last try ended with; `retryAfter` in seconds.
 * @param attempt how many tries there have been, 1 or more.
 * @param retries how many more than the first are allowed.
 * @param random from 0 up to 1, spreads clients that failed together.
 */
export function retryDelayMs(
  failure: { readonly status: string; readonly retryAfter: number | null },
  attempt: number,
  retries: number,
  random: number,
): number | null {
  if (attempt > retries || !PASSING.has(failure.status)) return null;
  const backoff = Math.min(DELAY_MS_MIN * 2 ** (attempt - 1), DELAY_MS_MAX);
  const asked = Math.min((failure.retryAfter ?? 0) * 1000, RETRY_AFTER_MS_MAX);
  return Math.max(asked, backoff * (0.5 + random / 2));
}
