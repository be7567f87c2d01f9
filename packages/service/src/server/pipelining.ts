/** Pipelined requests: those that a client sends before the response to the previous one. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Error code of Node's HTTP parser for bytes after a request with `Connection: close`. */
export const HTTP_CLOSED_CONNECTION = 'HPE_CLOSED_CONNECTION';

/**
 * Closes the connection of a pipelined request. Returns whether the request was pipelined. No process of a cluster sends
 * such requests, and there would be no limit on how many are handled at once.
 */
export function closeIfPipelined(request: IncomingMessage, response: ServerResponse): boolean {
  if (response.socket !== null) return false;
  request.socket.destroy();
  return true;
}
