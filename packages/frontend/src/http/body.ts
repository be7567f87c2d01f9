/** Reads request bodies directly from Node's stream, which costs a fraction of web streams. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import { BODY_BYTES_MAX, bodyTooLarge, checkBodyHeaders } from '../rules/requests.js';

/** Milliseconds that the unread remainder of a body may take to arrive. */
const DISCARD_MS_MAX = 500;

/**
 * Reads the whole body as text; see `collectBody`.
 * @throws TriremeError every error that `collectBody` passes to `done` or throws.
 */
export async function readBody(incoming: IncomingMessage, deadline: Deadline): Promise<string> {
  const body = await new Promise<string | TriremeError>((resolve) =>
    collectBody(incoming, deadline, resolve),
  );
  if (typeof body !== 'string') throw body;
  return body;
}

/**
 * Reads the whole body as text and calls `done` once: with the text, or with `BODY_TOO_LARGE`, with
 * `REQUEST_TIMEOUT` if the body is incomplete at the deadline, or with `INVALID_REQUEST` if it ends early or
 * is not UTF-8. The writer of the response handles the remainder of a refused body.
 * @throws TriremeError `UNSUPPORTED_MEDIA_TYPE` or `BODY_TOO_LARGE` because of the headers; then `done` is
 *   not called.
 */
export function collectBody(
  incoming: IncomingMessage,
  deadline: Deadline,
  done: (body: string | TriremeError) => void,
): void {
  checkBodyHeaders(incoming.headers);
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isDone = false;
  // The listeners stay because removing them is expensive: once `isProgressComplete` is set they do nothing.
  const end = (failure: TriremeError | null): void => {
    if (isDone) return;
    isDone = true;
    deadline.setOnExpire(null);
    const body = failure ?? decodeBody(Buffer.concat(chunks));
    // The listeners keep `chunks` alive until the response is written.
    chunks.length = 0;
    done(body);
  };
  incoming.on('data', (chunk: Buffer) => {
    if (isDone) return;
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) end(bodyTooLarge());
    else chunks.push(chunk);
  });
  const onClose = (): void => {
    if (!isDone)
      end(new TriremeError('INVALID_REQUEST', 'body: connection closed before the end of the body'));
  };
  incoming.on('end', () => end(null));
  incoming.on('close', onClose);
  incoming.on('error', onClose);
  deadline.setOnExpire(() =>
    end(new TriremeError('REQUEST_TIMEOUT', 'body: did not arrive before the deadline')),
  );
}

/**
 * Discards the remainder of the body of a request that was answered before its body arrived. Closes the
 * connection if that takes too long: the next request follows the body.
 */
export function discardBody(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return;
  const end = (): void => {
    if (!incoming.complete) incoming.socket.destroySoon();
  };
  const timer = setTimeout(end, DISCARD_MS_MAX).unref();
  incoming.on('close', () => clearTimeout(timer));
  incoming.resume();
}

/** Decodes a body, or returns an error if it is not UTF-8. */
export function decodeBody(body: Buffer): string | TriremeError {
  if (!isUtf8(body)) return new TriremeError('INVALID_REQUEST', 'body: must be valid UTF-8');
  return body.toString('utf8');
}
