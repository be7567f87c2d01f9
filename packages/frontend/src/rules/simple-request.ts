/**
 * Reads simple requests from the bytes of a connection: exactly one whole HTTP/1.1 request for one of a few
 * routes.
 *
 * This is not a general HTTP parser. Its rules are narrower than those of RFC 9112, and it leaves everything
 * else (`other`) to Node's parser. A test compares the two.
 */
import { BODY_BYTES_MAX } from './requests.js';

/**
 * The headers that the responses depend on, with the values that Node's parser gives; each occurs at most
 * once.
 */
export interface SimpleHeaders {
  'content-type'?: string;
  'content-encoding'?: string;
  'idempotency-key'?: string;
  'if-none-match'?: string;
  'x-request-id'?: string;
}

/** A route whose requests can be simple. */
export interface SimplePattern {
  readonly method: 'GET' | 'POST';
  /** The path up to its parameter. */
  readonly prefix: string;
  /** The parameters of simple requests; null if the path has none. */
  readonly parameter: RegExp | null;
}

export interface SimpleRequest<Route> {
  readonly route: Route;
  /** The parameter of the path; empty if the route has none. */
  readonly parameter: string;
  readonly headers: SimpleHeaders;
  /** Whether the connection is closed after the response. */
  readonly closesConnection: boolean;
  /** The body of a POST request, at most `BODY_BYTES_MAX` bytes; otherwise empty. */
  readonly body: Buffer;
}

/** `part`: the beginning of a simple request has arrived. `other`: the bytes are for Node's parser. */
export type Unparsed = 'part' | 'other';

/**
 * Maximum size of request line and headers in bytes, and maximum number of headers. Both are below Node's
 * limits.
 */
const HEAD_BYTES_MAX = 8 * 1024;
const HEADERS_MAX = 100;

/**
 * A strict request head: visible characters, no folded lines, no bare CR or LF. Values are those of RFC 9110,
 * section 5.5. Each part ends with a character that the part itself cannot contain, so the pattern never
 * backtracks.
 */
const HEAD =
  /^(?:GET|POST) \/[!-~]* HTTP\/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)+\r\n$/;
/** Hosts that the HTTP adapter accepts without parsing a URL. */
const SIMPLE_HOST = /^[a-z0-9._-]+(?::(?:[1-5][0-9]{3,4}|[6-9][0-9]{3}))?$/;
const BEGINNINGS = ['GET /', 'POST /'] as const;
/** Node's parser accepts some requests with bare line feeds. */
const BARE_LF = /(?<!\r)\n/;
const LENGTH = /^[0-9]{1,5}$/;
const NO_BODY = Buffer.alloc(0);

/** Reads the bytes that arrived on a connection. The body of the result is a part of `bytes`. */
export function parseSimpleRequest<Route extends SimplePattern>(
  bytes: Buffer,
  routes: readonly Route[],
): SimpleRequest<Route> | Unparsed {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return mayBecomeSimple(bytes) ? 'part' : 'other';
  const bodyAt = end + 4;
  if (bodyAt > HEAD_BYTES_MAX) return 'other';
  const head = bytes.toString('latin1', 0, bodyAt);
  if (!HEAD.test(head)) return 'other';
  const isPost = head.startsWith('P');
  const lineEnd = head.indexOf('\r\n');
  const target = head.slice(isPost ? 5 : 4, lineEnd - ' HTTP/1.1'.length);
  const match = findRoute(routes, isPost ? 'POST' : 'GET', target);
  const headers: HeadersRead = {};
  if (match === null || !readHeaders(head, lineEnd + 2, headers)) return 'other';
  const { host, connection, 'content-length': length } = headers;
  if (host === undefined || !SIMPLE_HOST.test(host)) return 'other';
  const use = connection?.toLowerCase() ?? 'keep-alive';
  if (use !== 'keep-alive' && use !== 'close') return 'other';
  // Only POST has a body, and its length must be given.
  if (isPost !== (length !== undefined)) return 'other';
  const bodyLength = isPost ? lengthOf(length) : 0;
  const missing = bodyLength - (bytes.length - bodyAt);
  if (bodyLength > BODY_BYTES_MAX || missing < 0) return 'other';
  if (missing > 0) return 'part';
  const { route, parameter } = match;
  const body = isPost ? bytes.subarray(bodyAt) : NO_BODY;
  return { route, parameter, headers, closesConnection: use === 'close', body };
}

/** Whether bytes without a complete head can be the beginning of a simple request. */
function mayBecomeSimple(bytes: Buffer): boolean {
  if (bytes.length >= HEAD_BYTES_MAX) return false;
  const text = bytes.toString('latin1');
  return BEGINNINGS.some((word) => text.startsWith(word.slice(0, text.length))) && !BARE_LF.test(text);
}

/** @param target as given in the request line. */
function findRoute<Route extends SimplePattern>(
  routes: readonly Route[],
  method: string,
  target: string,
): { readonly route: Route; readonly parameter: string } | null {
  const path = target.endsWith('/') ? target.slice(0, -1) : target;
  for (const route of routes) {
    if (route.method !== method || !path.startsWith(route.prefix)) continue;
    const parameter = path.slice(route.prefix.length);
    if (route.parameter?.test(parameter) ?? parameter === '') return { route, parameter };
  }
  return null;
}

interface HeadersRead extends SimpleHeaders {
  host?: string;
  connection?: string;
  'content-length'?: string;
}

/**
 * Reads the headers of a well-formed head.
 * @returns false if a header that matters occurs twice, or one changes the framing of the message or the use
 *   of the connection (RFC 9110, sections 7.6 to 7.8, 10.1.1).
 */
function readHeaders(head: string, from: number, headers: HeadersRead): boolean {
  let count = 0;
  for (let at = from; at < head.length - 2; count += 1) {
    if (count === HEADERS_MAX) return false;
    const colon = head.indexOf(':', at);
    const end = head.indexOf('\r\n', colon);
    const name = head.slice(at, colon).toLowerCase();
    const valueAt = colon + 1;
    at = end + 2;
    // Literal property names: a computed name would have to be looked up in V8's string table.
    switch (name) {
      case 'host':
        if (headers.host !== undefined) return false;
        headers.host = untrimmed(head, valueAt, end);
        break;
      case 'connection':
        if (headers.connection !== undefined) return false;
        headers.connection = untrimmed(head, valueAt, end);
        break;
      case 'content-length':
        if (headers['content-length'] !== undefined) return false;
        headers['content-length'] = untrimmed(head, valueAt, end);
        break;
      case 'content-type':
        if (headers['content-type'] !== undefined) return false;
        headers['content-type'] = trimmed(head, valueAt, end);
        break;
      case 'content-encoding':
        if (headers['content-encoding'] !== undefined) return false;
        headers['content-encoding'] = trimmed(head, valueAt, end);
        break;
      case 'idempotency-key':
        if (headers['idempotency-key'] !== undefined) return false;
        headers['idempotency-key'] = trimmed(head, valueAt, end);
        break;
      case 'if-none-match':
        if (headers['if-none-match'] !== undefined) return false;
        headers['if-none-match'] = trimmed(head, valueAt, end);
        break;
      case 'x-request-id':
        if (headers['x-request-id'] !== undefined) return false;
        headers['x-request-id'] = trimmed(head, valueAt, end);
        break;
      case 'transfer-encoding':
      case 'trailer':
      case 'expect':
      case 'upgrade':
      case 'proxy-connection':
        return false;
      default:
    }
  }
  return true;
}

/** The value without trimming: parsers differ in the whitespace that they allow around a host or a length. */
function untrimmed(head: string, from: number, to: number): string {
  return head.slice(head[from] === ' ' ? from + 1 : from, to);
}

/**
 * The value without leading and trailing spaces and tabs. `String.trim` would remove more characters, and a
 * regular expression takes quadratic time on a value of spaces.
 */
function trimmed(head: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(head.charCodeAt(start))) start += 1;
  while (end > start && isBlank(head.charCodeAt(end - 1))) end -= 1;
  return head.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** @returns the length, or infinity if it is not a number of at most five digits. */
function lengthOf(text: string | undefined): number {
  return text !== undefined && LENGTH.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}
