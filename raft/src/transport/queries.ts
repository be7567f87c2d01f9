/**
 * Queries between processes of one cluster besides Raft messages: a GET on the peer port, answered with JSON.
 */
import type { IncomingMessage } from 'node:http';
import { readRefusal } from '../frames/dial.js';
import { FrameError } from '../frames/errors.js';
import { openRequest, type ClientTls } from '../frames/tls.js';

/** Handlers of queries by path, such as `/raft/founding`. */
export type QueryHandlers = Readonly<Record<string, () => object>>;

/** The bound on a response, in bytes. */
const ANSWER_BYTES_MAX = 16 * 1024;

/**
 * Queries the process at `url`, whichever member it is.
 * @param msMax time limit from the call to the end of the response, in milliseconds
 * @returns the parsed response, unchecked
 * @throws FrameError `DIAL_REFUSED` if the query is refused; Error if there is no response in time, or it is not JSON
 *   of at most 16 KiB.
 */
export async function queryProcess(
  url: URL,
  {
    headers,
    tls,
    msMax,
  }: { headers: Readonly<Record<string, string>>; tls: ClientTls | null; msMax: number },
): Promise<unknown> {
  const request = openRequest(url, tls, { headers });
  const timer = setTimeout(() => request.destroy(new Error(`no response within ${msMax} ms`)), msMax);
  try {
    return await new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        if (response.statusCode === 200) readAnswer(response).then(resolve, reject);
        else {
          readRefusal(response, (refusal) =>
            reject(new FrameError('DIAL_REFUSED', `${refusal.status}: ${refusal.message}`, { refusal })),
          );
        }
      });
      request.end();
    });
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}

async function readAnswer(response: IncomingMessage): Promise<unknown> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > ANSWER_BYTES_MAX)
      throw new Error(`the response exceeds ${ANSWER_BYTES_MAX} characters`);
  }
  return JSON.parse(text);
}
