/**
 * The one error base of the services, and the one place where an error becomes an HTTP answer: every error that a
 * client can meet has a stable word (`status`), and each word has its HTTP status code here.
 */

/** Stable words of the HTTP contract with the HTTP status of each. */
export const ERROR_CODES = {
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

export type ErrorStatus = keyof typeof ERROR_CODES;

/** Words that internal ports alone answer with: who operates a group meets them, a client does not. */
const INTERNAL_STATUSES: readonly string[] = [
  'BAD_MEMBERSHIP',
  'CHANGE_PENDING',
  'NOT_CAUGHT_UP',
  'QUORUM_UNREACHABLE',
  'NOT_LEADER',
  'WRONG_ROLE',
];

/** Words of the public interface. */
export const PUBLIC_STATUSES: readonly ErrorStatus[] = (Object.keys(ERROR_CODES) as ErrorStatus[]).filter(
  (status) => !INTERNAL_STATUSES.includes(status),
);

/** The JSON body of every error answer. */
export interface ErrorBody {
  readonly error: { readonly code: number; readonly message: string; readonly status: ErrorStatus };
}

/** Thrown when a request is refused or fails; `status` is the stable word that the client gets. */
export class TriremeError extends Error {
  override readonly name = 'TriremeError';
  readonly status: ErrorStatus;

  constructor(status: ErrorStatus, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }

  /** The HTTP status code of the answer. */
  get httpStatus(): (typeof ERROR_CODES)[ErrorStatus] {
    return ERROR_CODES[this.status];
  }

  /** The JSON body of the answer. */
  toBody(): ErrorBody {
    return { error: { code: this.httpStatus, message: this.message, status: this.status } };
  }
}

/** Thrown when bytes from a disk or a peer are not what the format says. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly code = 'BAD_FORMAT';
}

/** Thrown when a rule that must always hold does not; the process stops with exit code 70. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly code = 'INVARIANT';
}

/** Stops at a broken rule: throws `InvariantError` unless `condition` holds. */
export function assertRule(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InvariantError(rule);
}
