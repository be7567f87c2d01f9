/** What a failed request means for the history. */
import { ClientError } from '@trireme/client';

/** Null where the outcome is unknown. */
export type Failure =
  | { readonly kind: 'failed' }
  | { readonly kind: 'insufficient' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'unknown' }
  /** Nothing that the contract allows for a sound request; its outcome counts as unknown. */
  | { readonly kind: 'surprise'; readonly text: string };

/** @throws what is not a failed request. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof ClientError)) throw error;
  switch (error.status) {
    case 'UNAVAILABLE':
      return { kind: 'failed' };
    case 'INSUFFICIENT_STOCK':
      return { kind: 'insufficient' };
    case 'ORDER_NOT_FOUND':
      return { kind: 'notFound' };
    case 'OUTCOME_UNKNOWN':
    case 'TIMEOUT':
    case 'ABORTED':
      return { kind: 'unknown' };
    case 'NO_ANSWER':
      // Nobody listened: nothing was sent.
      return { kind: wasRefused(error.cause) ? 'failed' : 'unknown' };
    default:
      return { kind: 'surprise', text: `${error.code} ${error.status}: ${error.message}` };
  }
}

function wasRefused(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
