/** Maps failed requests to outcomes of the history. */
import { ClientError } from '@trireme/client';

/** The failure of a request. */
export type RequestFailure =
  | { readonly kind: 'failed' }
  | { readonly kind: 'insufficient' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'unknown' }
  /** An answer that the contract does not allow for a valid request; its outcome counts as unknown. */
  | { readonly kind: 'surprise'; readonly text: string };

/** @throws `error` itself if it is not a failed request. */
export function failureOf(error: unknown): RequestFailure {
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
      // A refused connection means that the request was not sent.
      return { kind: wasRefused(error.cause) ? 'failed' : 'unknown' };
    default:
      return { kind: 'surprise', text: `${error.code} ${error.status}: ${error.message}` };
  }
}

function wasRefused(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
