/** One request on its way through the front-end. */
import type { IncomingMessage, ServerResponse } from 'node:http';

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

/** What Hono is told of the requests: `c.env` is the call. */
export interface CallEnv {
  Bindings: Call;
}
