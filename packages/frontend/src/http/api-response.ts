/** Formats HTTP/1.1 responses (RFC 9112) for connections that Node's HTTP server does not write to. */
import { STATUS_CODES } from 'node:http';

export type ResponseHeaders = Record<string, string>;

/** A response before it is written. */
export interface ApiResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Null for a response without a body, such as 304. */
  readonly body: string | null;
}

/**
 * The response as text. Its connection stays open unless the headers have `Connection: close`.
 * @param date milliseconds since 1970.
 * @param keepAliveS seconds that an open connection waits for the next request.
 */
export function formatResponse(
  { status, headers, body }: ApiResponse,
  date: number,
  keepAliveS: number,
): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n`;
  for (const name in headers) text += `${name}: ${headers[name] ?? ''}\r\n`;
  if (body !== null) text += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  text += `Date: ${dateText(date)}\r\n`;
  if (!closesConnection(headers)) text += `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveS}\r\n`;
  return `${text}\r\n${body ?? ''}`;
}

/** Whether the connection is closed after a response with these headers. */
export function closesConnection(headers: Readonly<ResponseHeaders>): boolean {
  return headers['Connection'] === 'close';
}

/** Cache of the last formatted second: formatting a date takes longer than the rest of the response. */
const lastSecond = { at: Number.NaN, text: '' };

function dateText(date: number): string {
  const second = Math.floor(date / 1000);
  if (second !== lastSecond.at) Object.assign(lastSecond, { at: second, text: new Date(date).toUTCString() });
  return lastSecond.text;
}
