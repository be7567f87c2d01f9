/** Questions between processes of one cluster that are no Raft messages: one GET on the peer port, answered as JSON. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { readRefusal, tlsRequestOptions, type DialTls } from '../frames/index.js';

/** Answers to questions by their path, such as `/raft/founding`. */
export type Questions = Readonly<Record<string, () => object>>;

/** Bytes of an answer at most. */
const ANSWER_BYTES_MAX = 16 * 1024;

/**
 * Asks the process at `url`, whichever member it is.
 * @param msMax from the call to the end of the answer, in milliseconds
 * @returns the answer, unchecked
 * @throws Error if there is none in time, it is refused, or it is no JSON of 16 KiB at most.
 */
export async function askProcess(
  url: URL,
  { headers, tls, msMax }: { headers: Readonly<Record<string, string>>; tls: DialTls | null; msMax: number },
): Promise<unknown> {
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    ...tlsRequestOptions(url, tls),
    agent: false,
    headers,
  });
  const timer = setTimeout(() => request.destroy(new Error(`no answer within ${msMax} ms`)), msMax);
  try {
    return await new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        if (response.statusCode === 200) readAnswer(response).then(resolve, reject);
        else readRefusal(response, ({ status, message }) => reject(new Error(`${status}: ${message}`)));
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
    if (text.length > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
  }
  return JSON.parse(text);
}
