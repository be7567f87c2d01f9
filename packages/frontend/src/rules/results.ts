/** Maps the result of a command to the response of its client. */
import { TriremeError, type SubmitResult } from '@trireme/domain';

/** A final result of a command. */
export type FinalResult = Exclude<SubmitResult, readonly [number, 'refused' | 'lost', ...unknown[]]>;

/** Why a command has no result: it has no effect and never will, or its outcome is not known yet. */
export type NoResultReason = 'noEffect' | 'unknown';

/** The results of commands that had an effect. */
export type EffectiveResult = Exclude<
  FinalResult,
  readonly [number, 'rejected' | 'keyReused' | 'invalid', ...unknown[]]
>;

/**
 * Returns the result of a command that had an effect.
 * @throws TriremeError for any other result: `UNAVAILABLE`, `OUTCOME_UNKNOWN`, `INVALID_REQUEST`, `KEY_REUSED`,
 *   `STOCK_NOT_FOUND`, `INSUFFICIENT_STOCK`, `LIMIT_REACHED`.
 */
export function requireEffect(result: FinalResult | NoResultReason, key: string): EffectiveResult {
  if (result === 'noEffect') {
    throw new TriremeError(
      'UNAVAILABLE',
      'no leader accepted the request before the deadline; it was not applied and is safe to retry',
    );
  }
  if (result === 'unknown') throw outcomeUnknownError(key);
  switch (result[1]) {
    case 'filled':
    case 'done':
      return result;
    case 'keyReused':
      throw new TriremeError(
        'KEY_REUSED',
        'the Idempotency-Key was already used with a different body; use a new key',
      );
    case 'invalid':
      throw invalidRequestError(result[2]);
    case 'rejected':
      throw rejection(result[2]);
  }
}

/** Error for a request that this process accepted but the process that it was sent to rejected. */
export function invalidRequestError(reason: string): TriremeError {
  return new TriremeError('INVALID_REQUEST', `the request was refused and had no effect: ${reason}`);
}

/** Error for a command that was sent and not answered before the deadline. */
export function outcomeUnknownError(key: string): TriremeError {
  return new TriremeError(
    'OUTCOME_UNKNOWN',
    `the outcome is not known yet; to learn it, repeat the request with Idempotency-Key: ${key}`,
  );
}

function rejection(reason: string): Error {
  switch (reason) {
    case 'STOCK_NOT_FOUND':
      return new TriremeError('STOCK_NOT_FOUND', 'stock not found');
    case 'INSUFFICIENT_STOCK':
      return new TriremeError('INSUFFICIENT_STOCK', 'the order exceeds the remaining quantity of the stock');
    case 'LIMIT_REACHED':
      return new TriremeError(
        'LIMIT_REACHED',
        'limit reached: the maximum quantity of a stock or the maximum number of stocks',
      );
    default:
      return new Error(`unknown rejection reason: ${reason}`);
  }
}
