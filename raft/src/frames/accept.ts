/** The server side of the handshake, for the `upgrade` event of an HTTP server. */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { FrameConnection, type FrameLimits } from './connection.js';
import type { FrameRefusal } from './errors.js';

/** The protocol name in the `Upgrade` header. */
export const FRAMES_PROTOCOL = 'trireme-frames';

/** A refused socket that the client does not close is destroyed after this time, in milliseconds. */
const LINGER_MS_MAX = 1_000;

/** An upgrade request as the server emits it, and how to answer it. */
export interface FrameAcceptOptions {
  /** The request. */
  readonly request: IncomingMessage;
  /** Its socket. */
  readonly socket: Duplex;
  /** Bytes that were received after the request. */
  readonly head: Buffer;
  /** Limits of the connection. */
  readonly limits: FrameLimits;
  /** Headers of the 101 response, such as the server's name: printable ASCII without line breaks. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Returns the reason for a refusal, or null to accept the handshake. */
  readonly authorize: (request: IncomingMessage) => FrameRefusal | null;
}

/**
 * Answers one handshake synchronously, so that no handshake stays half open. The HTTP server's
 * `headersTimeout` bounds the time before it.
 * @returns the connection, which the caller has to start, or null if the handshake was refused.
 */
export function acceptFrames(options: FrameAcceptOptions): FrameConnection | null {
  const { request, socket, head, limits } = options;
  const refusal = notFrames(request) ?? options.authorize(request);
  if (refusal !== null) {
    refuseSocket(socket, refusal);
    return null;
  }
  const connection = new FrameConnection(socket, head, limits);
  let response = `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${FRAMES_PROTOCOL}\r\n`;
  for (const [name, value] of Object.entries(options.headers ?? {})) response += `${name}: ${value}\r\n`;
  socket.write(`${response}\r\n`);
  return connection;
}

/** Answers a raw socket with a JSON error, and closes it. Refusing the same socket again does nothing. */
export function refuseSocket(socket: Duplex, refusal: FrameRefusal): void {
  // The server may have read further requests together with the refused one.
  if (socket.writableEnded) return;
  const { httpStatus, message, status } = refusal;
  const body = JSON.stringify({ error: { code: httpStatus, message, status } });
  // An error without a listener would end the process.
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const linger = setTimeout(() => socket.destroy(), LINGER_MS_MAX);
  linger.unref();
  socket.once('close', () => clearTimeout(linger));
  // Unread bytes would turn the close into a reset, which could discard the response.
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
