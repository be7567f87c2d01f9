/** Asking again until the deadline. */
import pRetry from 'p-retry';
import type { Deadline } from './rules/deadlines.js';

/** What an attempt gives that surely failed and is to be made again. */
export const AGAIN = Symbol('again');
/** What an attempt gives that was sent without an answer, since its link was lost or another leader took over. */
export const LOST = Symbol('lost');
/** What is left when the time is over, or too many attempts were lost. */
export const NO_RESULT = Symbol('no result');

/**
 * Attempts of one request that may be lost. Losing several in one deadline takes several failures at just the wrong moments,
 * or a request that breaks whatever it is sent to: that must not go on.
 */
export const LOST_MAX = 3;

/** Thrown inside the loop when an attempt is to be made again. */
class AgainError extends Error {
  override readonly name = 'AgainError';
}

/** Thrown inside the loop when too many attempts were lost. */
class LostError extends Error {
  override readonly name = 'LostError';
}

/** Short, as a new leader is found within tens of milliseconds; an attempt without a leader waits for one by itself. */
const BACKOFF = { minTimeout: 10, maxTimeout: 100, factor: 2, randomize: true };

type Attempt<Result> = () => Promise<Result | typeof AGAIN | typeof LOST>;

/**
 * Makes attempts until one gives a result, the deadline has expired or `LOST_MAX` attempts were lost; then `NO_RESULT`.
 * The first attempt is made at once and costs nothing but itself. What an attempt throws is thrown on.
 */
export async function retryUntil<Result>(
  deadline: Deadline,
  attempt: Attempt<Result>,
): Promise<Result | typeof NO_RESULT> {
  const first = await attempt();
  if (first === AGAIN) return retryAfter(AGAIN, deadline, attempt);
  return first === LOST ? retryAfter(LOST, deadline, attempt) : first;
}

/** As `retryUntil`, after a first attempt that was made in vain elsewhere: begins with a backoff. */
export async function retryAfter<Result>(
  first: typeof AGAIN | typeof LOST,
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
          if (lost === LOST_MAX) throw new LostError(`${lost} attempts were lost`);
        }
        if (result === AGAIN || result === LOST) throw new AgainError('asked in vain');
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
    if (deadline.expired || error instanceof LostError) return NO_RESULT;
    throw error;
  }
}
