/** A request as the routes see it, read by Node's HTTP server (`HttpCall`) or by the fast path (`SimpleCall`). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Deadline } from '../rules/deadlines.js';
import { checkBodyHeaders, parseKeyHeader, parseRequestId } from '../rules/requests.js';
import type { SimpleHeaders, SimpleRequest } from '../rules/simple-request.js';
import { decodeBody, readBody } from './body.js';

/** Identifies a request in its response and in the log. */
export class RequestContext {
  /** Id from the client, or a generated one. */
  readonly requestId: string;
  /** Whether the client gave the id: then every process logs the request's commands with it. */
  readonly isTraced: boolean;
  /** Idempotency key of a request that changes something, once it is known. The response repeats it. */
  key: string | null = null;

  /**
   * @param requestId value of the client's `X-Request-Id` header.
   * @param nextId generates an id if the client gave none.
   */
  constructor(requestId: string | string[] | undefined, nextId: () => string) {
    const clientsId = parseRequestId(requestId);
    this.requestId = clientsId ?? nextId();
    this.isTraced = clientsId !== null;
  }
}

export interface Call extends RequestContext {
  readonly headers: { readonly 'if-none-match'?: string | undefined };
  /** The parameter of the path, such as the name of a stock; empty if the route has none. */
  readonly parameter: string;
  /** The idempotency key of the request, or null. @throws TriremeError `INVALID_REQUEST`. */
  readIdempotencyKey(): string | null;
  /** The body as text; can be read once. @throws TriremeError as `readBody` does. */
  readBody(deadline: Deadline): string | Promise<string>;
}

/** A request that Node's HTTP server received. */
export class HttpCall extends RequestContext implements Call {
  readonly incoming: IncomingMessage;
  /** For event streams, which write to it directly. */
  readonly outgoing: ServerResponse;
  /** The path of the request with unreserved characters decoded and one trailing slash removed. */
  readonly path: string;
  /** Set by the router. */
  parameter = '';

  constructor(incoming: IncomingMessage, outgoing: ServerResponse, path: string, nextId: () => string) {
    super(incoming.headers['x-request-id'], nextId);
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.path = path;
  }

  get headers(): IncomingMessage['headers'] {
    return this.incoming.headers;
  }

  readIdempotencyKey(): string | null {
    const header = this.headers['idempotency-key'];
    if (header === undefined) return null;
    // Node joins repeated headers with commas, but a single key may contain commas: then read the separate lines.
    const lines = header.includes(',') ? this.incoming.headersDistinct['idempotency-key'] : [header].flat();
    return parseKeyHeader(lines);
  }

  async readBody(deadline: Deadline): Promise<string> {
    return readBody(this.incoming, deadline);
  }
}

/** A request that the fast path read as a whole. */
export class SimpleCall extends RequestContext implements Call {
  readonly headers: SimpleHeaders;
  readonly parameter: string;
  /** Null once it was read: it keeps all bytes of the request, which an open request does not need. */
  #body: Buffer | null;

  constructor({ headers, parameter, body }: SimpleRequest<unknown>, nextId: () => string) {
    super(headers['x-request-id'], nextId);
    this.headers = headers;
    this.parameter = parameter;
    this.#body = body;
  }

  readIdempotencyKey(): string | null {
    const key = this.headers['idempotency-key'];
    return key === undefined ? null : parseKeyHeader([key]);
  }

  readBody(): string {
    const body = this.#body;
    if (body === null) throw new Error('the body was already read');
    this.#body = null;
    checkBodyHeaders(this.headers);
    return decodeBody(body);
  }
}
