/**
 * Every answer of the public interface is made here: the headers that all of them carry, and the one way from an error
 * to its answer. Headers are plain objects and bodies plain text, which is what the HTTP adapter writes without detours.
 */
import { TriremeError } from '@trireme/domain';
import type { Log } from '@trireme/service';
import { answerText, type Answer, type Headers } from './answer.js';
import type { RequestContext } from './call.js';

/** Seconds after which a client may ask again. */
const RETRY_AFTER_S = '1';

/** Hono is given an answer as a `Response`; the fast path writes it as it is. */
export function toResponse({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers });
}

export class Replies {
  readonly #servedBy: string;
  readonly #cors: Readonly<Headers> | null;
  readonly #log: Log;
  /** Answers given so far, by HTTP status. */
  readonly answers = new Map<number, number>();
  /** While the server drains, each answer is the last one on its connection. */
  draining = false;

  /**
   * @param servedBy id of this process, for `X-Served-By`.
   * @param corsOrigin origin whose pages may read the answers, `*` for all, null for none but this one's.
   */
  constructor(servedBy: string, log: Log, corsOrigin: string | null = null) {
    this.#log = log;
    this.#servedBy = servedBy;
    this.#cors = corsOrigin === null ? null : corsHeaders(corsOrigin);
  }

  /** The headers that every answer carries; the caller may add its own. */
  headers(requestId: string, key: string | null): Headers {
    // Written out: a copy of what is always the same costs a cached look-up a third more.
    const headers: Headers = {
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      'X-Served-By': this.#servedBy,
      'X-Request-Id': requestId,
    };
    if (this.#cors !== null) Object.assign(headers, this.#cors);
    if (key !== null) headers['Idempotency-Key'] = key;
    if (this.draining) headers['Connection'] = 'close';
    return headers;
  }

  /** What a browser asks before it sends another origin's request; nothing unless an origin is set. */
  preflight(allow: string): Headers {
    if (this.#cors === null) return {};
    return {
      'Access-Control-Allow-Methods': allow,
      'Access-Control-Allow-Headers':
        'Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id',
      'Access-Control-Max-Age': '600',
    };
  }

  /** Answers 200 with JSON text. */
  ok(
    call: RequestContext,
    body: string,
    headers: Headers = this.headers(call.requestId, call.key),
  ): Response {
    return toResponse(this.okAnswer(body, headers));
  }

  /** The answer 200 with JSON text. */
  okAnswer(body: string, headers: Headers): Answer {
    this.count(200);
    return { status: 200, headers, body };
  }

  /** Answers without a body. */
  empty(call: RequestContext, status: 204 | 304, more: Headers): Response {
    return toResponse(this.emptyAnswer(status, { ...this.headers(call.requestId, call.key), ...more }));
  }

  /** The answer without a body; `headers` are those of one with it. */
  emptyAnswer(status: 204 | 304, headers: Headers): Answer {
    delete headers['Content-Type'];
    this.count(status);
    return { status, headers, body: null };
  }

  /**
   * Answers an error: as it says if it is one of the contract's, else 500, and then the log has the reason.
   * @param details what the body says beside the error
   */
  error(
    call: Pick<RequestContext, 'requestId' | 'key'>,
    error: unknown,
    more?: Headers,
    details?: object,
  ): Response {
    return toResponse(this.errorAnswer(call, error, more, details));
  }

  /** The answer that `error` gives. */
  errorAnswer(
    call: Pick<RequestContext, 'requestId' | 'key'>,
    error: unknown,
    more?: Headers,
    details?: object,
  ): Answer {
    const known = this.#known(error, call.requestId);
    const headers = { ...this.headers(call.requestId, call.key), ...errorHeaders(known), ...more };
    this.count(known.httpStatus);
    return { status: known.httpStatus, headers, body: JSON.stringify({ ...known.toBody(), ...details }) };
  }

  /** The bytes of an error answer, for a connection whose request never became one; it is to be closed after them. */
  rawError(error: unknown, requestId: string, more?: Headers): string {
    const known = this.#known(error, requestId);
    this.count(known.httpStatus);
    const headers = {
      ...this.headers(requestId, null),
      ...errorHeaders(known),
      ...more,
      Connection: 'close',
    };
    return answerText(
      { status: known.httpStatus, headers, body: JSON.stringify(known.toBody()) },
      Date.now(),
      0,
    );
  }

  /** Notes an answer. */
  count(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
  }

  #known(error: unknown, requestId: string): TriremeError {
    if (error instanceof TriremeError) return error;
    this.#log.error({ error, requestId }, 'request failed');
    return new TriremeError('INTERNAL', 'internal error');
  }
}

/** The contract's headers are for scripts too (Fetch, section 3.3). */
function corsHeaders(origin: string): Headers {
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers':
      'ETag, Idempotency-Key, Location, Retry-After, X-Cache, X-Request-Id, X-Served-By',
  };
}

/** The headers that belong to an error by the contract. */
function errorHeaders(error: TriremeError): Headers {
  switch (error.status) {
    case 'UNAVAILABLE':
    case 'RATE_LIMITED':
      return { 'Retry-After': RETRY_AFTER_S };
    case 'UNAUTHORIZED':
      return { 'WWW-Authenticate': 'Bearer realm="trireme operator"' };
    default:
      return {};
  }
}
