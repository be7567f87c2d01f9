/** Requests that a client sends before it has the answer to the one before. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Code of the parser's error for bytes after a request with `Connection: close`. */
export const AFTER_LAST_REQUEST = 'HPE_CLOSED_CONNECTION';

/**
 * Closes the connection of a request that came before the last answer was out, and returns whether it did: no process of a
 * cluster sends one, and to work on all that a client sends would be without bound.
 */
export function refusePipelined(request: IncomingMessage, response: ServerResponse): boolean {
  if (response.socket !== null) return false;
  request.socket.destroy();
  return true;
}
