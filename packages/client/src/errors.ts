/** The error of a failed request. */
import type { ErrorStatus } from '@trireme/domain';

/**
 * Error status of the server, or one of the client: `NO_ANSWER` if the connection failed, `TIMEOUT` if there was no
 * answer within the time limit, `ABORTED` if the caller aborted, `BAD_ANSWER` if the answer does not follow the
 * contract.
 */
export type ClientStatus = ErrorStatus | 'NO_ANSWER' | 'TIMEOUT' | 'ABORTED' | 'BAD_ANSWER';

/** Thrown if a request is refused or fails; `status` is a stable code. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly status: ClientStatus;
  /** HTTP status code; 0 without an answer. */
  readonly code: number;
  /** Idempotency key of the order or change; null if there is none. */
  readonly key: string | null;
  /**
   * Whether the order or change may have taken effect, or may still do so. A repeated request with the same `key`
   * returns the outcome and takes effect at most once.
   */
  readonly isOutcomeUnknown: boolean;
  /** Seconds to wait before a retry, from the server's `Retry-After`; null if there is none. */
  readonly retryAfter: number | null;

  constructor(
    status: ClientStatus,
    message: string,
    details: {
      readonly code?: number;
      readonly key?: string | null;
      readonly isOutcomeUnknown?: boolean;
      readonly retryAfter?: number | null;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.status = status;
    this.code = details.code ?? 0;
    this.key = details.key ?? null;
    this.isOutcomeUnknown = details.isOutcomeUnknown ?? false;
    this.retryAfter = details.retryAfter ?? null;
  }
}
