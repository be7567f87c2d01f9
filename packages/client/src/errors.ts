/** What can go wrong with a request, in one class. */
import type { ErrorStatus } from '@trireme/domain';

/**
 * The server's stable word, or one of the client's own: `NO_ANSWER` where the connection failed, `TIMEOUT` where no
 * answer came in time, `ABORTED` where the caller gave up, `BAD_ANSWER` where the answer is not the contract's.
 */
export type ClientStatus = ErrorStatus | 'NO_ANSWER' | 'TIMEOUT' | 'ABORTED' | 'BAD_ANSWER';

/** Thrown when a request was refused, failed, or was not answered; `status` is the stable word for it. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly status: ClientStatus;
  /** HTTP status code, 0 where there was no answer. */
  readonly code: number;
  /** The idempotency key of the order or change, where it is known; null otherwise. */
  readonly key: string | null;
  /** Whether the order or change may have been made, or may yet be. Asking again with `key` tells, and makes it once at most. */
  readonly isOutcomeUnknown: boolean;
  /** Seconds after which the server asks to be asked again, null if it says nothing. */
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
