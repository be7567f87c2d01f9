/** Resets a connection at one end. */
import type { Socket } from 'node:net';

/**
 * Resets a connection, so that the other end gets an error. A connection whose end is in flight is only
 * closed: Node's reset would fail with `EINVAL`, and the open socket would keep the process alive.
 */
export function resetSocket(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
