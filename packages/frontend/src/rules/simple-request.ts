/**
 * Reads requests of the simplest form from the bytes of a connection: one whole HTTP/1.1 request for a stock, an order or
 * a new order, with nothing behind it. Node's parser gives such a request an object, two streams and a table of headers, which
 * cost more than all that there is to do for its answer.
 *
 * This is no HTTP parser. It says what a request means only where that is beyond doubt, by rules narrower than those of
 * RFC 9112, and calls everything else `other`: that is for Node's parser to judge. A test holds the two against each other.
 */
import { STOCK_NAME } from '@trireme/domain';
import { BODY_BYTES_MAX } from './requests.js';

/** The headers that these requests are answered by, as Node gives them; each came once at most. */
export interface SimpleHeaders {
  'content-type'?: string;
  'content-encoding'?: string;
  'idempotency-key'?: string;
  'if-none-match'?: string;
  'x-request-id'?: string;
}

/** What is asked for. */
export type SimpleQuestion =
  | { readonly kind: 'lookup'; readonly name: string }
  | { readonly kind: 'readOrder'; readonly number: string }
  | { readonly kind: 'placeOrder' };

export interface SimpleRequest {
  readonly question: SimpleQuestion;
  readonly headers: SimpleHeaders;
  /** Whether its answer is the last on the connection. */
  readonly isLast: boolean;
  /** Of a new order, at most `BODY_BYTES_MAX` bytes; else empty. */
  readonly body: Buffer;
}

/** What has come is not the whole of a request yet, but the beginning of one; or it is for Node's parser. */
export type Unread = 'part' | 'other';

/** Bounds of the line and headers, in bytes, and of the headers: Node's parser takes more, and then refuses or leaves out the rest. */
const HEAD_BYTES_MAX = 8 * 1024;
const HEADERS_MAX = 100;

/**
 * A line and headers without anything odd: visible characters, no line that goes on in the next, no lone CR or LF. Values are
 * what RFC 9110, section 5.5, allows. Each part ends with a character that the part itself cannot hold, so nothing is
 * looked at twice.
 */
const HEAD =
  /^(?:GET|POST) \/[!-~]* HTTP\/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)+\r\n$/;
/** Of these the HTTP adapter makes a URL without a closer look. */
const SIMPLE_HOST = /^[a-z0-9._-]+(?::(?:[1-5][0-9]{3,4}|[6-9][0-9]{3}))?$/;
const BEGINNINGS = ['GET /', 'POST /'] as const;
/** Node's parser takes some requests whose lines end so. */
const LONE_FEED = /(?<!\r)\n/;
const LENGTH = /^[0-9]{1,5}$/;
const DIGITS = /^[0-9]+$/;

/** Reads what has come on a connection. `bytes` may be kept by what is returned. */
export function readPlainRequest(bytes: Buffer): SimpleRequest | Unread {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return mayBecomePlain(bytes) ? 'part' : 'other';
  const bodyAt = end + 4;
  if (bodyAt > HEAD_BYTES_MAX) return 'other';
  const head = bytes.toString('latin1', 0, bodyAt);
  if (!HEAD.test(head)) return 'other';
  const isPost = head.startsWith('P');
  const lineEnd = head.indexOf('\r\n');
  const question = questionOf(isPost, head.slice(isPost ? 5 : 4, lineEnd - ' HTTP/1.1'.length));
  const headers: HeadersRead = {};
  if (question === null || !readHeaders(head, lineEnd + 2, headers)) return 'other';
  const { host, connection, 'content-length': length } = headers;
  if (host === undefined || !SIMPLE_HOST.test(host)) return 'other';
  const use = connection?.toLowerCase() ?? 'keep-alive';
  if (use !== 'keep-alive' && use !== 'close') return 'other';
  // A body is for orders alone, and has to say its length.
  if (isPost !== (length !== undefined)) return 'other';
  const bodyLength = isPost ? lengthOf(length) : 0;
  const missing = bodyLength - (bytes.length - bodyAt);
  if (bodyLength > BODY_BYTES_MAX || missing < 0) return 'other';
  if (missing > 0) return 'part';
  return { question, headers, isLast: use === 'close', body: bytes.subarray(bodyAt) };
}

/** Whether bytes without the end of a head can be the beginning of a simple request. */
function mayBecomePlain(bytes: Buffer): boolean {
  if (bytes.length >= HEAD_BYTES_MAX) return false;
  const text = bytes.toString('latin1');
  return BEGINNINGS.some((word) => text.startsWith(word.slice(0, text.length))) && !LONE_FEED.test(text);
}

/** @param target as it stands in the line of the request. */
function questionOf(isPost: boolean, target: string): SimpleQuestion | null {
  const path = target.endsWith('/') ? target.slice(0, -1) : target;
  if (isPost) return path === '/orders' ? { kind: 'placeOrder' } : null;
  const at = path.indexOf('/', 1) + 1;
  const last = path.slice(at);
  switch (path.slice(0, at)) {
    case '/stocks/':
      return STOCK_NAME.test(last) ? { kind: 'lookup', name: last } : null;
    case '/orders/':
      return DIGITS.test(last) ? { kind: 'readOrder', number: last } : null;
    default:
      return null;
  }
}

interface HeadersRead extends SimpleHeaders {
  host?: string;
  connection?: string;
  'content-length'?: string;
}

/**
 * Reads the headers of a head that is well formed.
 * @returns false if one came twice, or is of those by which a message is framed or its connection used in ways that are
 *   not simple (RFC 9110, sections 7.6 to 7.8, 10.1.1).
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
    // Each field by its name: by a name that was just read it would be looked up in V8's table of all names.
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

/** Not trimmed: parsers differ in which blanks they allow about a host or a length. */
function untrimmed(head: string, from: number, to: number): string {
  return head.slice(head[from] === ' ' ? from + 1 : from, to);
}

/**
 * The part of the head from `from` to `to`, without the spaces and tabs around it, which are no part of a value. (`trim` takes
 * more than those away, and a pattern for them looks at a value of spaces again from each of them.)
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

/** @returns infinity where it is not of digits, or of more than any body has. */
function lengthOf(text: string | undefined): number {
  return text !== undefined && LENGTH.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}
