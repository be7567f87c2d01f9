/** One request on its way through the front-end. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptRequestId } from '../rules/requests.js';

/** What a request is known by, to its answer and to the log. */
export interface RequestContext {
  /** The client's id, or one that was made. */
  readonly requestId: string;
  /** Whether the client gave the id: then its commands are followed through every process's log. */
  readonly isFollowed: boolean;
  /** Idempotency key of a request that changes something, once it is known: the reply repeats it. */
  key: string | null;
}

/** A request that came by Node's HTTP server. */
export interface Call extends RequestContext {
  readonly incoming: IncomingMessage;
  /** For streams, which write to it themselves. */
  readonly outgoing: ServerResponse;
  /** The path of the request with unreserved characters decoded and one trailing slash removed. */
  readonly path: string;
}

/** @param requestId as the client gave it; @param nextId makes one where it gave none. */
export function contextOf(requestId: string | string[] | undefined, nextId: () => string): RequestContext {
  const clientsId = acceptRequestId(requestId);
  return { requestId: clientsId ?? nextId(), isFollowed: clientsId !== null, key: null };
}

/** @param path of its target; @param nextId makes an id where the client gave none. */
export function callOf(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  path: string,
  nextId: () => string,
): Call {
  return { ...contextOf(incoming.headers['x-request-id'], nextId), incoming, outgoing, path };
}

/** What Hono is told of the requests: `c.env` is the call. */
export interface CallEnv {
  Bindings: Call;
}
