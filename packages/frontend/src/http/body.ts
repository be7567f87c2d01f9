/** Reads request bodies from Node's stream, not from a web stream, which would cost more than the parsing. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { TriremeError } from '@trireme/domain';
import type { Deadline } from '../rules/deadlines.js';
import { BODY_BYTES_MAX, bodyTooLarge, checkBodyHeaders } from '../rules/requests.js';

/**
 * Reads the whole body as text. The writer of the response handles the remainder of a refused body.
 * @throws TriremeError `UNSUPPORTED_MEDIA_TYPE` because of the headers; `BODY_TOO_LARGE`; `REQUEST_TIMEOUT` if the
 *   body is incomplete at the deadline; `INVALID_REQUEST` if it ends early or is not UTF-8.
 */
export async function readBody(incoming: IncomingMessage, deadline: Deadline): Promise<string> {
  checkBodyHeaders(incoming.headers);
  return decodeBody(await collect(incoming, deadline));
}

async function collect(incoming: IncomingMessage, deadline: Deadline): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isDone = false;
    // The listeners stay because removing them is expensive: once `isDone` is set they do nothing.
    const end = (failure: TriremeError | null): void => {
      if (isDone) return;
      isDone = true;
      deadline.setOnExpire(null);
      if (failure === null) resolve(Buffer.concat(chunks));
      else reject(failure);
      // The listeners keep `chunks` alive until the response is written.
      chunks.length = 0;
    };
    incoming.on('data', (chunk: Buffer) => {
      if (isDone) return;
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) end(bodyTooLarge());
      else chunks.push(chunk);
    });
    const onClose = (): void =>
      end(new TriremeError('INVALID_REQUEST', 'body: connection closed before the end of the body'));
    incoming.on('end', () => end(null));
    incoming.on('close', () => {
      if (!isDone) onClose();
    });
    incoming.on('error', onClose);
    deadline.setOnExpire(() =>
      end(new TriremeError('REQUEST_TIMEOUT', 'body: did not arrive before the deadline')),
    );
  });
}

/** Decodes a body. @throws TriremeError `INVALID_REQUEST` if it is not UTF-8. */
export function decodeBody(body: Buffer): string {
  if (!isUtf8(body)) throw new TriremeError('INVALID_REQUEST', 'body: must be valid UTF-8');
  return body.toString('utf8');
}
