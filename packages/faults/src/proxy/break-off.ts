/** How a connection is broken off at one end. */
import type { Socket } from 'node:net';

/**
 * Ends a connection with a reset, so that the other end knows that it is broken. One whose end is just on its way is closed
 * only: Node's reset of it fails with `EINVAL`, and the socket would neither close nor let the process end.
 */
export function breakOff(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
