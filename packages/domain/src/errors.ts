/**
 * The error classes of the services, and the one mapping from errors to HTTP responses. Every error that a client can
 * receive has a stable `status` word, and each word has one HTTP status code.
 */

/** The stable words of the HTTP contract, each with its HTTP status code. */
export const HTTP_STATUS_OF = {
  INVALID_ORDER: 400,
  INVALID_STOCK: 400,
  INVALID_REQUEST: 400,
  UNAUTHORIZED: 401,
  WRONG_ROLE: 403,
  STOCK_NOT_FOUND: 404,
  ORDER_NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  INSUFFICIENT_STOCK: 409,
  BAD_MEMBERSHIP: 409,
  CHANGE_PENDING: 409,
  NOT_CAUGHT_UP: 409,
  QUORUM_UNREACHABLE: 409,
  LIMIT_REACHED: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  NOT_LEADER: 421,
  KEY_REUSED: 422,
  RATE_LIMITED: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  OUTCOME_UNKNOWN: 504,
} as const;

/** The stable word of an error response, such as `STOCK_NOT_FOUND`. */
export type ErrorStatus = keyof typeof HTTP_STATUS_OF;

/** Words that only internal ports use: an operator can receive them, a client cannot. */
const INTERNAL_STATUSES: readonly string[] = [
  'BAD_MEMBERSHIP',
  'CHANGE_PENDING',
  'NOT_CAUGHT_UP',
  'QUORUM_UNREACHABLE',
  'NOT_LEADER',
  'WRONG_ROLE',
];

/** Words of the public interface. */
export const PUBLIC_STATUSES: readonly ErrorStatus[] = (Object.keys(HTTP_STATUS_OF) as ErrorStatus[]).filter(
  (status) => !INTERNAL_STATUSES.includes(status),
);

/** The JSON body of every error response. */
export interface ErrorBody {
  readonly error: { readonly code: number; readonly message: string; readonly status: ErrorStatus };
}

/** Thrown when a request is refused or fails. `status` is the stable word in the response. */
export class TriremeError extends Error {
  override readonly name = 'TriremeError';
  /** The stable word in the response; it also determines the HTTP status code. */
  readonly status: ErrorStatus;

  /** @param message says what happened, to what, and what to do next; clients see it */
  constructor(status: ErrorStatus, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }

  /** The HTTP status code of the response. */
  get httpStatus(): (typeof HTTP_STATUS_OF)[ErrorStatus] {
    return HTTP_STATUS_OF[this.status];
  }

  /** The JSON body of the response. */
  toBody(): ErrorBody {
    return { error: { code: this.httpStatus, message: this.message, status: this.status } };
  }
}

/** Thrown when bytes from a disk or a peer do not have the expected format. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly code = 'BAD_FORMAT';
}

/** Thrown when an invariant is violated. The process exits with code 70. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly code = 'INVARIANT';
}

/** Throws `InvariantError` unless `condition` is true. */
export function assertInvariant(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InvariantError(rule);
}
