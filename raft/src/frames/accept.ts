/** The accepting half of the handshake: for the `upgrade` event of an HTTP server. */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { FrameConnection, type FrameLimits } from './connection.js';
import type { FrameRefusal } from './errors.js';

/** The protocol named in the `Upgrade` header. */
export const FRAMES_PROTOCOL = 'trireme-frames';

/** A refused socket that does not close by itself is destroyed after this long, in milliseconds. */
const LINGER_MS_MAX = 1_000;

/** A request to upgrade, as the server hands it over, and who may. */
export interface FrameAcceptOptions {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly limits: FrameLimits;
  /** Headers of the 101 answer, such as the acceptor's name: printable ASCII without line breaks. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Returns why the handshake is refused, or null to accept it. */
  readonly authorize: (request: IncomingMessage) => FrameRefusal | null;
}

/**
 * Answers one handshake at once, so that none is ever half open: the HTTP server's `headersTimeout` bounds what
 * comes before.
 * @returns the connection, to be started by the caller, or null if the handshake was refused.
 */
export function acceptFrames(options: FrameAcceptOptions): FrameConnection | null {
  const { request, socket, head, limits } = options;
  const refusal = notFrames(request) ?? options.authorize(request);
  if (refusal !== null) {
    refuseSocket(socket, refusal);
    return null;
  }
  const connection = new FrameConnection(socket, head, limits);
  let answer = `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${FRAMES_PROTOCOL}\r\n`;
  for (const [name, value] of Object.entries(options.headers ?? {})) answer += `${name}: ${value}\r\n`;
  socket.write(`${answer}\r\n`);
  return connection;
}

/** Answers a raw socket with an error as JSON, and closes it. Refusing it again does nothing. */
export function refuseSocket(socket: Duplex, refusal: FrameRefusal): void {
  // Further requests may have been read along with the one that was refused.
  if (socket.writableEnded) return;
  const { httpStatus, message, status } = refusal;
  const body = JSON.stringify({ error: { code: httpStatus, message, status } });
  // Nobody is interested in what becomes of it, but an error without a listener would end the process.
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const linger = setTimeout(() => socket.destroy(), LINGER_MS_MAX);
  linger.unref();
  socket.once('close', () => clearTimeout(linger));
  // Unread bytes would turn the close into a reset, and the answer could be lost with it.
  socket.resume();
  socket.end(
    `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus] ?? 'Error'}\r\nconnection: close\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function notFrames(request: IncomingMessage): FrameRefusal | null {
  if (request.method === 'GET' && request.headers.upgrade?.toLowerCase() === FRAMES_PROTOCOL) return null;
  return {
    httpStatus: 400,
    status: 'INVALID_REQUEST',
    message: `only GET with Upgrade: ${FRAMES_PROTOCOL} is accepted`,
  };
}
