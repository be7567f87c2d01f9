/** From what became of a command to what its client is told. */
import { TriremeError, type SubmitResult } from '@trireme/domain';

/** A result that stands whatever happens later. */
export type Decided = Exclude<SubmitResult, readonly [number, 'refused' | 'lost', ...unknown[]]>;

/** Why a command has no result: it surely has and will have no effect, or nobody can tell yet. */
export type Undecided = 'noEffect' | 'unknown';

/** The results of commands that did something. */
export type Effective = Exclude<
  Decided,
  readonly [number, 'rejected' | 'keyReused' | 'invalid', ...unknown[]]
>;

/**
 * Gives the result of a command that did something.
 * @throws TriremeError for any other: `UNAVAILABLE`, `OUTCOME_UNKNOWN`, `INVALID_REQUEST`, `KEY_REUSED`,
 *   `STOCK_NOT_FOUND`, `INSUFFICIENT_STOCK`, `LIMIT_REACHED`.
 */
export function checkDecided(result: Decided | Undecided, key: string): Effective {
  if (result === 'noEffect') {
    throw new TriremeError(
      'UNAVAILABLE',
      'no leader accepted it before the deadline. It had no effect; it is safe to retry',
    );
  }
  if (result === 'unknown') throw outcomeUnknown(key);
  switch (result[1]) {
    case 'filled':
    case 'done':
      return result;
    case 'keyReused':
      throw new TriremeError('KEY_REUSED', 'the Idempotency-Key was used before with another body');
    case 'invalid':
      throw refusedAsInvalid(result[2]);
    case 'rejected':
      throw rejection(result[2]);
  }
}

/** Error for a request that was valid here, but was refused by the process that it was sent to. */
export function refusedAsInvalid(reason: string): TriremeError {
  return new TriremeError('INVALID_REQUEST', `the request was refused and had no effect: ${reason}`);
}

/** What a client is told whose command was handed over without an answer in time. */
export function outcomeUnknown(key: string): TriremeError {
  return new TriremeError(
    'OUTCOME_UNKNOWN',
    `the outcome is not known yet; ask again with Idempotency-Key: ${key}`,
  );
}

function rejection(reason: string): Error {
  switch (reason) {
    case 'STOCK_NOT_FOUND':
      return new TriremeError('STOCK_NOT_FOUND', 'stock not found');
    case 'INSUFFICIENT_STOCK':
      return new TriremeError('INSUFFICIENT_STOCK', 'not enough of the stock is left');
    case 'LIMIT_REACHED':
      return new TriremeError('LIMIT_REACHED', 'a bound of the catalog is reached');
    default:
      return new Error(`rejected for an unknown reason: ${reason}`);
  }
}
