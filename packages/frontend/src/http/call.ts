/** One request on its way through the front-end. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptRequestId } from '../rules/requests.js';

export interface Call {
  readonly incoming: IncomingMessage;
  /** For streams, which write to it themselves. */
  readonly outgoing: ServerResponse;
  /** The client's id, or one that was made. */
  readonly requestId: string;
  /** Whether the client gave the id: then its commands are followed through every process's log. */
  readonly isFollowed: boolean;
  /** As it was sent, percent-encoding and all, without one slash at its end. */
  readonly path: string;
  /** Idempotency key of a request that changes something, once it is known: the reply repeats it. */
  key: string | null;
}

/** @param path of its target; @param nextId makes an id where the client gave none. */
export function callOf(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  path: string,
  nextId: () => string,
): Call {
  const clientsId = acceptRequestId(incoming.headers['x-request-id']);
  const requestId = clientsId ?? nextId();
  return { incoming, outgoing, requestId, isFollowed: clientsId !== null, path, key: null };
}

/** What Hono is told of the requests: `c.env` is the call. */
export interface CallEnv {
  Bindings: Call;
}
