/** Reads the body of a request, straight from the connection: by way of web streams it would cost several times more. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import { BODY_BYTES_MAX, bodyTooLarge, checkBodyHeaders } from '../rules/requests.js';

/**
 * Reads the whole body as text.
 * @throws TriremeError `UNSUPPORTED_MEDIA_TYPE`, `BODY_TOO_LARGE`, `REQUEST_TIMEOUT` if it is not there by the deadline,
 *   `INVALID_REQUEST` if it ends early or is not UTF-8.
 */
export async function readBody(incoming: IncomingMessage, deadline: Deadline): Promise<string> {
  checkBodyHeaders(incoming.headers);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const failure = await new Promise<TriremeError | null>((resolve) => {
    const end = (result: TriremeError | null): void => {
      deadline.watch(null);
      incoming.off('data', onData).off('end', onEnd).off('close', onCut).off('error', onCut);
      // What is still to come of a refused body is read and dropped by the HTTP adapter, within its bounds.
      if (result !== null) incoming.on('error', ignore);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) end(bodyTooLarge());
      else chunks.push(chunk);
    };
    const onEnd = (): void => end(null);
    const onCut = (): void => end(new TriremeError('INVALID_REQUEST', 'body: ended early'));
    incoming.on('data', onData).on('end', onEnd).on('close', onCut).on('error', onCut);
    deadline.watch(() => end(new TriremeError('REQUEST_TIMEOUT', 'body: did not arrive in time')));
  });
  if (failure !== null) throw failure;
  const [first] = chunks;
  const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
  if (!isUtf8(body)) throw new TriremeError('INVALID_REQUEST', 'body: must be UTF-8');
  return body.toString('utf8');
}

/** The connection broke while a refused body was dropped: the answer is lost with it. */
function ignore(): void {
  return undefined;
}
