/** The client side of the handshake: GET with `Upgrade: trireme-frames`, answered by 101. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { FRAMES_PROTOCOL } from './accept.js';
import { FrameConnection, checkFrameLimits, type FrameLimits } from './connection.js';
import { FrameError, type FrameRefusal } from './errors.js';
import { openRequest, type ClientTls } from './tls.js';

/** The target of a handshake, its headers and its time limit. */
export interface FrameDialOptions {
  /** Base URL, such as `http://127.0.0.1:8201`. */
  readonly url: string;
  /** Path of the handshake. */
  readonly path: string;
  /** Headers of the request besides `connection` and `upgrade`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Time limit of the whole handshake, in milliseconds. */
  readonly timeoutMs: number;
  /** Limits of the connection. */
  readonly limits: FrameLimits;
  /** Required for an https URL, not allowed for others. */
  readonly tls?: ClientTls | null;
  /** Aborts the handshake; has no effect on an open connection. */
  readonly signal?: AbortSignal;
}

/** A connection that was opened by a handshake, not reading yet. */
export interface DialedFrames {
  /** The caller has to start it. */
  readonly connection: FrameConnection;
  /** Headers of the server's response, with names in lower case. */
  readonly headers: IncomingMessage['headers'];
}

/** Only this much of a refusal's body is read. */
const REFUSAL_BYTES_MAX = 4_096;

/**
 * Opens a connection of frames.
 * @throws FrameError `DIAL_FAILED`, `DIAL_TIMEOUT`, `DIAL_REFUSED`, `DIAL_ABORTED`, `BAD_OPTION`.
 */
export async function dialFrames(options: FrameDialOptions): Promise<DialedFrames> {
  const { signal } = options;
  if (signal?.aborted === true) throw new FrameError('DIAL_ABORTED', 'dialing was aborted');
  checkFrameLimits(options.limits);
  const request = openUpgrade(options);
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    return await new Promise<DialedFrames>((resolve, reject) => {
      const fail = (error: FrameError): void => {
        reject(error);
        request.destroy();
      };
      timer = setTimeout(
        () => fail(new FrameError('DIAL_TIMEOUT', `no response within ${options.timeoutMs} ms`)),
        options.timeoutMs,
      );
      abort = () => fail(new FrameError('DIAL_ABORTED', 'dialing was aborted'));
      signal?.addEventListener('abort', abort);
      request.on('error', (error) => reject(new FrameError('DIAL_FAILED', error.message, { cause: error })));
      request.on('upgrade', (response, socket, head) => {
        if (response.headers.upgrade?.toLowerCase() !== FRAMES_PROTOCOL) {
          socket.destroy();
          reject(
            new FrameError('DIAL_FAILED', `the server does not support the protocol ${FRAMES_PROTOCOL}`),
          );
          return;
        }
        resolve({ connection: new FrameConnection(socket, head, options.limits), headers: response.headers });
      });
      request.on('response', (response) => {
        readRefusal(response, (refusal) => {
          fail(new FrameError('DIAL_REFUSED', `${refusal.status}: ${refusal.message}`, { refusal }));
        });
      });
      request.end();
    });
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  }
}

function openUpgrade({ url, path, headers, tls = null }: FrameDialOptions): ClientRequest {
  try {
    return openRequest(new URL(path, url), tls, {
      headers: { ...headers, connection: 'Upgrade', upgrade: FRAMES_PROTOCOL },
    });
  } catch (error) {
    if (error instanceof FrameError) throw error;
    throw new FrameError('BAD_OPTION', `cannot connect to ${url}: ${String(error)}`, { cause: error });
  }
}

/** Reads the response of a server that refuses a request, and calls `done` with the refusal. */
export function readRefusal(response: IncomingMessage, done: (refusal: FrameRefusal) => void): void {
  const httpStatus = response.statusCode ?? 500;
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    if (text.length < REFUSAL_BYTES_MAX) text += chunk.slice(0, REFUSAL_BYTES_MAX);
  });
  const finish = (): void => done(parseRefusal(httpStatus, text));
  response.on('end', finish);
  response.on('error', finish);
}

function parseRefusal(httpStatus: number, text: string): FrameRefusal {
  const unknown: FrameRefusal = {
    httpStatus,
    status: `HTTP_${httpStatus}`,
    message: 'the server refused the request without a reason',
  };
  try {
    const { error } = JSON.parse(text) as { error?: { status?: unknown; message?: unknown } };
    if (typeof error?.status !== 'string' || typeof error.message !== 'string') return unknown;
    return { httpStatus, status: error.status, message: error.message };
  } catch {
    return unknown;
  }
}
