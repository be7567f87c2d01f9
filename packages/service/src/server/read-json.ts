/** The body of a request on an internal port. */
import type { IncomingMessage } from 'node:http';
import { FormatError, TriremeError, parseJson } from '@trireme/domain';

/** Bytes of a body at most. */
const BODY_BYTES_MAX = 16 * 1024;

/**
 * Reads a body as JSON.
 * @throws TriremeError `BODY_TOO_LARGE` beyond 16 KiB, `INVALID_REQUEST` if it is no JSON, or gives a key twice.
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX)
      throw new TriremeError('BODY_TOO_LARGE', `the body has more than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return parseJson(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    const message = error instanceof FormatError ? error.message : 'the body is not JSON';
    throw new TriremeError('INVALID_REQUEST', message, { cause: error });
  }
}
