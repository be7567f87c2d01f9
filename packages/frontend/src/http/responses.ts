/**
 * Builds every response of the public interface: the common headers, and the mapping from errors to
 * responses. Headers are plain objects and bodies are strings, which the HTTP adapter writes without
 * conversion.
 */
import { TriremeError } from '@trireme/domain';
import { UsageError, type Log } from '@trireme/service';
import { formatResponse, type ApiResponse, type ResponseHeaders } from './api-response.js';
import type { RequestContext } from './call.js';

/** Seconds after which a client may retry. */
const RETRY_AFTER_S = '1';

/** Converts a response for Hono. */
export function toResponse({ status, headers, body }: ApiResponse): Response {
  return new Response(body, { status, headers });
}

type Context = Pick<RequestContext, 'requestId' | 'key'>;

export class ResponseFactory {
  readonly #servedBy: string;
  readonly #cors: Readonly<ResponseHeaders> | null;
  readonly #log: Log;
  /** Number of responses so far, by HTTP status code. */
  readonly counts = new Map<number, number>();
  /** Whether the server is stopping: then each response closes its connection. */
  isStopping = false;

  /**
   * @param servedBy name of this process, for `X-Served-By`.
   * @param corsOrigin origin whose pages may read the responses, `*` for all, null for this server's own
   *   pages only.
   */
  constructor(servedBy: string, log: Log, corsOrigin: string | null = null) {
    this.#log = log;
    this.#servedBy = servedBy;
    this.#cors = corsOrigin === null ? null : corsHeaders(corsOrigin);
  }

  /** A new object with the headers of every response, to which the caller may add more. */
  headers({ requestId, key }: Context): ResponseHeaders {
    // An object literal instead of a copy of a template, because copying slows down cached look-ups.
    const headers: ResponseHeaders = {
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      'X-Served-By': this.#servedBy,
      'X-Request-Id': requestId,
    };
    if (this.#cors !== null) Object.assign(headers, this.#cors);
    if (key !== null) headers['Idempotency-Key'] = key;
    if (this.isStopping) headers['Connection'] = 'close';
    return headers;
  }

  /** A 200 response, by default with a JSON body. */
  ok(context: Context, body: string, headers: ResponseHeaders = this.headers(context)): ApiResponse {
    this.count(200);
    return { status: 200, headers, body };
  }

  /** A response without a body. Removes `Content-Type` from `headers`. */
  empty(status: 204 | 304, headers: ResponseHeaders): ApiResponse {
    delete headers['Content-Type'];
    this.count(status);
    return { status, headers, body: null };
  }

  /** The response to OPTIONS, which is also a CORS preflight request. @param allow the supported methods. */
  options(context: Context, allow: string): ApiResponse {
    const headers = { ...this.headers(context), Allow: allow };
    if (this.#cors !== null) Object.assign(headers, preflightHeaders(allow));
    return this.empty(204, headers);
  }

  /**
   * An error response. Errors that are not a `TriremeError` become 500 `INTERNAL` and are logged.
   * @param details further fields of the body.
   */
  error(context: Context, error: unknown, more?: ResponseHeaders, details?: object): ApiResponse {
    const known = this.#known(error, context.requestId);
    const headers = { ...this.headers(context), ...errorHeaders(known), ...more };
    this.count(known.httpStatus);
    return { status: known.httpStatus, headers, body: JSON.stringify({ ...known.toBody(), ...details }) };
  }

  /**
   * The bytes of an error response for a connection without a valid request. The caller closes it afterwards.
   */
  formatError(error: unknown, requestId: string, more?: ResponseHeaders): string {
    const response = this.error({ requestId, key: null }, error, { ...more, Connection: 'close' });
    return formatResponse(response, Date.now(), 0);
  }

  /** Counts a response. */
  count(status: number): void {
    this.counts.set(status, (this.counts.get(status) ?? 0) + 1);
  }

  #known(error: unknown, requestId: string): TriremeError {
    if (error instanceof TriremeError) return error;
    this.#log.error({ error, requestId }, 'request failed');
    return new TriremeError('INTERNAL', 'internal error');
  }
}

/** Lets scripts of that origin read the contract's headers (Fetch, section 3.3). */
function corsHeaders(origin: string): ResponseHeaders {
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers':
      'ETag, Idempotency-Key, Location, Retry-After, X-Cache, X-Request-Id, X-Served-By',
  };
}

function preflightHeaders(allow: string): ResponseHeaders {
  return {
    'Access-Control-Allow-Methods': allow,
    'Access-Control-Allow-Headers':
      'Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id',
    'Access-Control-Max-Age': '600',
  };
}

/** Headers that the contract requires for an error. */
function errorHeaders(error: TriremeError): ResponseHeaders {
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

/** Parses an origin as browsers send it, or `*`. @throws UsageError for anything else. */
export function parseOrigin(text: string): string {
  if (text === '*') return text;
  const origin = URL.canParse(text) ? new URL(text).origin : null;
  if (origin !== text || !/^https?:/.test(text)) {
    throw new UsageError(
      `invalid origin: ${text}: give a scheme, host and port without a path, for example https://shop.example`,
    );
  }
  return text;
}
