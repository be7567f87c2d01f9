/** Asking again until the deadline. */
import pRetry from 'p-retry';
import type { Deadline } from './rules/deadlines.js';

/** What an attempt gives that is to be made again. */
export const AGAIN = Symbol('again');
/** What is left when the time is over. */
export const EXPIRED = Symbol('expired');

/** Thrown inside the loop when an attempt is to be made again. */
class AgainError extends Error {
  override readonly name = 'AgainError';
}

/** Short, as a new leader is found within tens of milliseconds; an attempt without a leader waits for one by itself. */
const BACKOFF = { minTimeout: 10, maxTimeout: 100, factor: 2, randomize: true };

/**
 * Makes attempts until one gives a result or the deadline has expired; then `EXPIRED`. The first attempt is made
 * at once and costs nothing but itself. What an attempt throws is thrown on.
 */
export async function retryUntil<Result>(
  deadline: Deadline,
  attempt: () => Promise<Result | typeof AGAIN>,
): Promise<Result | typeof EXPIRED> {
  const first = await attempt();
  return first === AGAIN ? retryAfter(deadline, attempt) : first;
}

/** As `retryUntil`, after a first attempt that was made in vain elsewhere: begins with a backoff. */
export async function retryAfter<Result>(
  deadline: Deadline,
  attempt: () => Promise<Result | typeof AGAIN>,
): Promise<Result | typeof EXPIRED> {
  try {
    return await pRetry(
      async (number) => {
        const result = number === 1 ? AGAIN : await attempt();
        if (result === AGAIN) throw new AgainError('asked in vain');
        return result;
      },
      {
        ...BACKOFF,
        retries: Number.POSITIVE_INFINITY,
        signal: deadline.signal,
        shouldRetry: ({ error }) => error instanceof AgainError,
      },
    );
  } catch (error) {
    if (deadline.expired) return EXPIRED;
    throw error;
  }
}
