/** The context of one request in the front-end. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseRequestId } from '../rules/requests.js';

/** Identifies a request in its response and in the log. */
export interface RequestContext {
  /** Id from the client, or a generated one. */
  readonly requestId: string;
  /** Whether the client gave the id: then every process logs the request's commands with it. */
  readonly isTraced: boolean;
  /** Idempotency key of a request that changes something, once it is known. The response repeats it. */
  key: string | null;
}

/** A request that Node's HTTP server received. */
export interface HttpCall extends RequestContext {
  readonly incoming: IncomingMessage;
  /** For event streams, which write to it directly. */
  readonly outgoing: ServerResponse;
  /** The path of the request with unreserved characters decoded and one trailing slash removed. */
  readonly path: string;
}

/**
 * @param requestId value of the client's `X-Request-Id` header.
 * @param nextId generates an id if the client gave none.
 */
export function createRequestContext(
  requestId: string | string[] | undefined,
  nextId: () => string,
): RequestContext {
  const clientsId = parseRequestId(requestId);
  return { requestId: clientsId ?? nextId(), isTraced: clientsId !== null, key: null };
}

/**
 * @param path normalized path of the request.
 * @param nextId generates an id if the client gave none.
 */
export function createHttpCall(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  path: string,
  nextId: () => string,
): HttpCall {
  return { ...createRequestContext(incoming.headers['x-request-id'], nextId), incoming, outgoing, path };
}

/** Hono's environment: `c.env` is the call. */
export interface HonoEnv {
  Bindings: HttpCall;
}
