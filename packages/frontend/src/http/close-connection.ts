/** How a connection is closed so that its last answer arrives. */
import type { Socket } from 'node:net';

/** How long a closed connection is still read, in milliseconds. */
const LINGER_MS_MAX = 1_000;

/**
 * Closes the connection once everything written has left. Until the client has closed its side, for a second at most, what it
 * sends is read and dropped: unread bytes would turn the close into a reset, which can destroy the answer on its way
 * (RFC 9112, section 9.6).
 */
export function closeConnection(socket: Socket): void {
  socket.resume();
  socket.end(() => {
    const cut = setTimeout(() => socket.destroy(), LINGER_MS_MAX).unref();
    socket.once('close', () => clearTimeout(cut));
  });
}
