/** Closes connections so that the last answer arrives. */
import type { Socket } from 'node:net';

/** How long a closed connection is still read, in milliseconds. */
const LINGER_MS_MAX = 1_000;

/**
 * Closes the connection once the client has taken everything that was written, at the latest after `stallMs`. Then, until the
 * client has closed its side, for a second at most, what it sends is read and dropped: unread bytes would turn the close into a
 * reset, which can destroy the answer on its way (RFC 9112, section 9.6).
 * @param stallMs milliseconds; what the client sends does not extend them
 */
export function closeConnection(socket: Socket, stallMs: number): void {
  let cut: NodeJS.Timeout | undefined;
  const cutAfter = (ms: number): void => {
    clearTimeout(cut);
    cut = setTimeout(() => socket.destroy(), ms).unref();
  };
  cutAfter(stallMs);
  socket.once('close', () => clearTimeout(cut));
  socket.resume();
  socket.end(() => cutAfter(LINGER_MS_MAX));
}
