/** The dialing half of the handshake: GET with `Upgrade: trireme-frames`, and 101 as the answer. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { FRAMES_PROTOCOL } from './accept.js';
import { FrameConnection, checkFrameLimits, type FrameLimits } from './connection.js';
import { FrameError, type FrameRefusal } from './errors.js';
import { tlsRequestOptions, type DialTls } from './tls.js';

/** Where to dial, what to say in the handshake, and how long it may take. */
export interface FrameDialOptions {
  /** Where to, such as `http://127.0.0.1:8201`. */
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For the whole handshake, in milliseconds. */
  readonly timeoutMs: number;
  readonly limits: FrameLimits;
  /** For an https url, and only for one. */
  readonly tls?: DialTls | null;
  /** Gives up when aborted; has no effect on an open connection. */
  readonly signal?: AbortSignal;
}

/** A connection that was dialed, not reading yet. */
export interface DialedFrames {
  /** To be started by the caller. */
  readonly connection: FrameConnection;
  /** Headers of the acceptor's answer, in lower case. */
  readonly headers: IncomingMessage['headers'];
}

/** A refusal's body beyond this is not read. */
const REFUSAL_BYTES_MAX = 4_096;

/**
 * Opens a connection of frames.
 * @throws FrameError `DIAL_FAILED`, `DIAL_TIMEOUT`, `DIAL_REFUSED`, `DIAL_ABORTED`, `BAD_OPTION`.
 */
export async function dialFrames(options: FrameDialOptions): Promise<DialedFrames> {
  const { signal } = options;
  if (signal?.aborted === true) throw new FrameError('DIAL_ABORTED', 'dialing was aborted');
  checkFrameLimits(options.limits);
  const request = openRequest(options);
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    return await new Promise<DialedFrames>((resolve, reject) => {
      const giveUp = (error: FrameError): void => {
        reject(error);
        request.destroy();
      };
      timer = setTimeout(
        () => giveUp(new FrameError('DIAL_TIMEOUT', `no answer within ${options.timeoutMs} ms`)),
        options.timeoutMs,
      );
      abort = () => giveUp(new FrameError('DIAL_ABORTED', 'dialing was aborted'));
      signal?.addEventListener('abort', abort);
      request.on('error', (error) => reject(new FrameError('DIAL_FAILED', error.message, { cause: error })));
      request.on('upgrade', (response, socket, head) => {
        if (response.headers.upgrade?.toLowerCase() !== FRAMES_PROTOCOL) {
          socket.destroy();
          reject(new FrameError('DIAL_FAILED', 'the other side speaks another protocol'));
          return;
        }
        resolve({ connection: new FrameConnection(socket, head, options.limits), headers: response.headers });
      });
      request.on('response', (response) => {
        readRefusal(response, (refusal) => {
          giveUp(new FrameError('DIAL_REFUSED', `${refusal.status}: ${refusal.message}`, { refusal }));
        });
      });
      request.end();
    });
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  }
}

function openRequest(options: FrameDialOptions): ClientRequest {
  try {
    const url = new URL(options.path, options.url);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return send(url, {
      ...tlsRequestOptions(url, options.tls ?? null),
      // A connection of its own, that no pool waits for.
      agent: false,
      headers: { ...options.headers, connection: 'Upgrade', upgrade: FRAMES_PROTOCOL },
    });
  } catch (error) {
    if (error instanceof FrameError) throw error;
    throw new FrameError('BAD_OPTION', `cannot dial ${options.url}: ${String(error)}`, { cause: error });
  }
}

/** Reads the answer of an acceptor that refuses. */
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
    message: 'refused without a reason',
  };
  try {
    const { error } = JSON.parse(text) as { error?: { status?: unknown; message?: unknown } };
    if (typeof error?.status !== 'string' || typeof error.message !== 'string') return unknown;
    return { httpStatus, status: error.status, message: error.message };
  } catch {
    return unknown;
  }
}
