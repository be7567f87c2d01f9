/** The JSON bodies of requests and responses on an internal port. */
import type { IncomingMessage, ServerResponse } from 'node:http';
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

export function answerJson(
  response: ServerResponse,
  code: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  answerText(response, code, 'application/json', JSON.stringify(body), headers);
}

export function answerText(
  response: ServerResponse,
  code: number,
  contentType: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(text);
}

/** Sends the body that the HTTP contract gives the error. */
export function answerError(
  response: ServerResponse,
  error: TriremeError,
  headers: Readonly<Record<string, string>> = {},
  more: object = {},
): void {
  answerJson(response, error.httpStatus, { ...error.toBody(), ...more }, headers);
}

/** Hides the message of an unexpected error from the client; the log has it. */
export function asTriremeError(error: unknown): TriremeError {
  return error instanceof TriremeError
    ? error
    : new TriremeError('INTERNAL', 'internal error, see the log of this process');
}
