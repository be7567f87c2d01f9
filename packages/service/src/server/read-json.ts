/** Reads the body of a request on an internal port. */
import type { IncomingMessage } from 'node:http';
import { FormatError, TriremeError, parseStrictJson } from '@trireme/domain';

/** Maximum size of a body, in bytes. */
const BODY_BYTES_MAX = 16 * 1024;

/**
 * Reads a JSON body.
 * @throws TriremeError `BODY_TOO_LARGE` above 16 KiB, `INVALID_REQUEST` if it is not JSON or has a duplicate key.
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX)
      throw new TriremeError('BODY_TOO_LARGE', `the request body is larger than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return parseStrictJson(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    const message = error instanceof FormatError ? error.message : 'the request body is not valid JSON';
    throw new TriremeError('INVALID_REQUEST', message, { cause: error });
  }
}
