/** Closes connections without losing the last response. */
import type { Socket } from 'node:net';

/** Milliseconds that a closed connection is still read. */
const LINGER_MS_MAX = 1_000;

/**
 * Closes the connection once the client has read everything that was written, at the latest after `writeTimeoutMs`.
 * Then reads and drops what the client sends until it closes its side, for at most `LINGER_MS_MAX`: unread
 * bytes would turn the close into a reset, which can destroy the response in flight (RFC 9112, section 9.6).
 * @param writeTimeoutMs milliseconds; incoming data does not extend this limit.
 */
export function closeGracefully(socket: Socket, writeTimeoutMs: number): void {
  let timer: NodeJS.Timeout | undefined;
  const destroyAfter = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.destroy(), ms).unref();
  };
  destroyAfter(writeTimeoutMs);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end(() => destroyAfter(LINGER_MS_MAX));
}
