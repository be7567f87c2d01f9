/** Reads the body of a request, straight from the connection: by way of web streams it would cost several times more. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import { BODY_BYTES_MAX, bodyTooLarge, checkBodyHeaders } from '../rules/requests.js';

/** How long the rest of a body that nobody reads may take, in milliseconds. */
const REST_MS_MAX = 500;

/**
 * Reads the whole body as text, as `collectBody` does.
 * @throws TriremeError whatever that gives or throws.
 */
export async function readBody(incoming: IncomingMessage, deadline: Deadline): Promise<string> {
  const body = await new Promise<string | TriremeError>((resolve) =>
    collectBody(incoming, deadline, resolve),
  );
  if (typeof body !== 'string') throw body;
  return body;
}

/**
 * Reads the whole body as text, and calls `done` once: with it, or with `BODY_TOO_LARGE`, `REQUEST_TIMEOUT` if it is not
 * there by the deadline, or `INVALID_REQUEST` if it ends early or is not UTF-8. What is still to come of a refused body is
 * left to whoever writes the answer.
 * @throws TriremeError `UNSUPPORTED_MEDIA_TYPE` or `BODY_TOO_LARGE` by the headers alone; then `done` is not called.
 */
export function collectBody(
  incoming: IncomingMessage,
  deadline: Deadline,
  done: (body: string | TriremeError) => void,
): void {
  checkBodyHeaders(incoming.headers);
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isOver = false;
  // The listeners stay, as to take them off costs more than the rest: once it is over they do nothing.
  const end = (failure: TriremeError | null): void => {
    if (isOver) return;
    isOver = true;
    deadline.watch(null);
    const body = failure ?? textOf(Buffer.concat(chunks));
    // The listeners hold on to them as long as there is no answer.
    chunks.length = 0;
    done(body);
  };
  incoming.on('data', (chunk: Buffer) => {
    if (isOver) return;
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) end(bodyTooLarge());
    else chunks.push(chunk);
  });
  const cut = (): void => {
    if (!isOver) end(new TriremeError('INVALID_REQUEST', 'body: ended early'));
  };
  incoming.on('end', () => end(null));
  incoming.on('close', cut);
  incoming.on('error', cut);
  deadline.watch(() => end(new TriremeError('REQUEST_TIMEOUT', 'body: did not arrive in time')));
}

/**
 * Takes what is still to come of the body of a request that was answered without it, and closes the connection if that
 * does not end soon: the next request stands behind it.
 */
export function dropRest(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return;
  const end = (): void => {
    if (!incoming.complete) incoming.socket.destroySoon();
  };
  const cut = setTimeout(end, REST_MS_MAX).unref();
  incoming.on('close', () => clearTimeout(cut));
  incoming.resume();
}

/** What the bytes of a body say, or why they say nothing. */
export function textOf(body: Buffer): string | TriremeError {
  if (!isUtf8(body)) return new TriremeError('INVALID_REQUEST', 'body: must be UTF-8');
  return body.toString('utf8');
}
