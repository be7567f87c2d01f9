/** An answer as it stands on the connection (RFC 9112), where no HTTP server writes it. */
import { STATUS_CODES } from 'node:http';

export type Headers = Record<string, string>;

/** An answer before it is written. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Null where the answer has none, as 304. */
  readonly body: string | null;
}

/**
 * The text of the answer. Its connection stays open where it does not say `Connection: close`.
 * @param date in milliseconds since 1970.
 * @param keepAliveS how long an open connection waits for the next request, in seconds.
 */
export function answerText({ status, headers, body }: Answer, date: number, keepAliveS: number): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n`;
  for (const name in headers) text += `${name}: ${headers[name] ?? ''}\r\n`;
  if (body !== null) text += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  text += `Date: ${dateText(date)}\r\n`;
  if (!isLastAnswer(headers)) text += `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveS}\r\n`;
  return `${text}\r\n${body ?? ''}`;
}

/** Whether the connection is closed after the answer with these headers. */
export function isLastAnswer(headers: Readonly<Headers>): boolean {
  return headers['Connection'] === 'close';
}

/** The second that was written last: to write one takes longer than the rest of an answer. */
const lastSecond = { at: Number.NaN, text: '' };

function dateText(date: number): string {
  const second = Math.floor(date / 1000);
  if (second !== lastSecond.at) Object.assign(lastSecond, { at: second, text: new Date(date).toUTCString() });
  return lastSecond.text;
}
