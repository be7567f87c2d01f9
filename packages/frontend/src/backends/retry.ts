/** Retries until a deadline. */
import pRetry from 'p-retry';
import type { Deadline } from '../rules/deadlines.js';

/** Result of an attempt that failed and is retried. */
export const RETRY = Symbol('again');
/** Result of an attempt that was sent and not answered because its link closed or the leader changed. */
export const LOST = Symbol('lost');
/** Result of a request whose deadline expired or that lost too many attempts. */
export const NO_RESULT = Symbol('no result');

/**
 * Maximum number of lost attempts of one request. More than a few within one deadline mean that the request
 * itself probably breaks the process that receives it, so it must not be sent again.
 */
export const LOST_ATTEMPTS_MAX = 3;

/** Thrown inside the loop to make another attempt. */
class RetryError extends Error {
  override readonly name = 'RetryError';
}

/** Thrown inside the loop to stop after too many lost attempts. */
class LostError extends Error {
  override readonly name = 'LostError';
}

/**
 * Short, because a new leader is found within tens of milliseconds. An attempt without a leader waits for
 * one.
 */
const BACKOFF = { minTimeout: 10, maxTimeout: 100, factor: 2, randomize: true };

type Attempt<Result> = () => Promise<Result | typeof RETRY | typeof LOST>;

/**
 * Makes attempts, the first one at once, until one gives a result.
 * @returns the result, or `NO_RESULT` once the deadline has expired or `LOST_ATTEMPTS_MAX` attempts were lost.
 * @throws whatever an attempt throws; no further attempt is made then.
 */
export async function retryUntilDeadline<Result>(
  deadline: Deadline,
  attempt: Attempt<Result>,
): Promise<Result | typeof NO_RESULT> {
  const first = await attempt();
  if (first === RETRY) return retryAfterFailure(RETRY, deadline, attempt);
  return first === LOST ? retryAfterFailure(LOST, deadline, attempt) : first;
}

/** As `retryUntilDeadline`, after a first attempt without a result: begins with a backoff. */
async function retryAfterFailure<Result>(
  first: typeof RETRY | typeof LOST,
  deadline: Deadline,
  attempt: Attempt<Result>,
): Promise<Result | typeof NO_RESULT> {
  let lost = 0;
  try {
    return await pRetry(
      async (number) => {
        const result = number === 1 ? first : await attempt();
        if (result === LOST) {
          lost += 1;
          if (lost === LOST_ATTEMPTS_MAX) throw new LostError(`${lost} attempts were lost`);
        }
        if (result === RETRY || result === LOST) throw new RetryError('the attempt gave no result');
        return result;
      },
      {
        ...BACKOFF,
        retries: Number.POSITIVE_INFINITY,
        signal: deadline.signal,
        shouldRetry: ({ error }) => error instanceof RetryError,
      },
    );
  } catch (error) {
    if (deadline.isExpired || error instanceof LostError) return NO_RESULT;
    throw error;
  }
}
