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
  let text = statusLine(status);
  // Added up: in a template each part is asked first whether it is a string.
  for (const name in headers) text += name + ': ' + (headers[name] ?? '') + '\r\n';
  if (body !== null) text += 'Content-Length: ' + String(Buffer.byteLength(body)) + '\r\n';
  text += dateLine(date);
  if (!isLastAnswer(headers)) text += keepAliveLines(keepAliveS);
  return body === null ? text + '\r\n' : text + '\r\n' + body;
}

/** Whether the connection is closed after the answer with these headers. */
export function isLastAnswer(headers: Readonly<Headers>): boolean {
  return headers['Connection'] === 'close';
}

/** Lines that were made last: to make them takes longer than the rest of an answer. */
const lastLines = {
  status: 0,
  statusLine: '',
  second: Number.NaN,
  date: '',
  keepAliveS: Number.NaN,
  keepAlive: '',
};

function statusLine(status: number): string {
  if (status !== lastLines.status) {
    lastLines.status = status;
    lastLines.statusLine = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n`;
  }
  return lastLines.statusLine;
}

function dateLine(date: number): string {
  const second = Math.floor(date / 1000);
  if (second !== lastLines.second) {
    lastLines.second = second;
    lastLines.date = `Date: ${new Date(date).toUTCString()}\r\n`;
  }
  return lastLines.date;
}

function keepAliveLines(keepAliveS: number): string {
  if (keepAliveS !== lastLines.keepAliveS) {
    lastLines.keepAliveS = keepAliveS;
    lastLines.keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveS}\r\n`;
  }
  return lastLines.keepAlive;
}
