/** What stands in the line and the headers of a request, as values. Bodies are parsed by `@trireme/domain`. */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  isOrderName,
  isRequestId,
  ORDER_NAME_LENGTH_MAX,
  PAGE_ROWS_MAX,
  parseKey,
  TriremeError,
} from '@trireme/domain';

/** Bytes of a request body at most. */
export const BODY_BYTES_MAX = 16 * 1024;

/** Rows of a page where the request names no limit. */
export const PAGE_ROWS_DEFAULT = 100;

const ORDER_NUMBER = /^[1-9][0-9]{0,15}$/;
const WHOLE_NUMBER = /^(0|[1-9][0-9]{0,15})$/;

/** The path of a request target such as `/orders/?limit=2`: without query, and without one slash at its end. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  const end = query === -1 ? target.length : query;
  return end > 1 && target.charCodeAt(end - 1) === 0x2f ? target.slice(0, end - 1) : target.slice(0, end);
}

const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** The path with every unreserved character decoded (RFC 3986, section 6.2.2.2): `/%73tocks` is `/stocks`. */
export function normalizePath(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(/%[0-9A-Fa-f]{2}/g, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return UNRESERVED.test(character) ? character : encoded;
  });
}

/** The parameters of a request target. The host beside it may be anything that is no URL by itself. */
export function queryOf(target = ''): URLSearchParams {
  const at = target.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : target.slice(at + 1));
}

/** @throws TriremeError `INVALID_REQUEST` if the path's percent-encoding is broken. */
export function checkEncoding(path: string): void {
  if (!path.includes('%')) return;
  try {
    decodeURIComponent(path);
  } catch {
    throw new TriremeError('INVALID_REQUEST', 'path: percent-encoding is not valid');
  }
}

/** An order number, or null if no order can have it. */
export function parseOrderNumber(text: string): number | null {
  const number = Number(text);
  return ORDER_NUMBER.test(text) && Number.isSafeInteger(number) ? number : null;
}

/** A page of a list. `after` is null where the list is read from its beginning. */
export interface PageQuery {
  readonly limit: number;
  readonly after: string | null;
  readonly name: string | null;
}

/**
 * Parameters of a list; unknown ones are ignored.
 * @throws TriremeError `INVALID_REQUEST` naming the parameter.
 */
export function parsePageQuery(query: URLSearchParams): PageQuery {
  const limit = single(query, 'limit');
  const name = single(query, 'name');
  const after = single(query, 'after');
  if (name !== null && !isOrderName(name)) {
    throw invalid('name', `must be well-formed Unicode of 1 to ${ORDER_NAME_LENGTH_MAX} characters`);
  }
  if (after !== null && after.length > ORDER_NAME_LENGTH_MAX) {
    throw invalid('after', `must have at most ${ORDER_NAME_LENGTH_MAX} characters`);
  }
  return { limit: limit === null ? PAGE_ROWS_DEFAULT : parseLimit(limit), after, name };
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!WHOLE_NUMBER.test(text) || limit < 1 || limit > PAGE_ROWS_MAX) {
    throw invalid('limit', `must be a whole number from 1 to ${PAGE_ROWS_MAX}`);
  }
  return limit;
}

/** The order number to list after. @throws TriremeError `INVALID_REQUEST`. */
export function parseAfterNumber(text: string | null): number {
  if (text === null) return 0;
  const after = Number(text);
  if (!WHOLE_NUMBER.test(text) || !Number.isSafeInteger(after))
    throw invalid('after', 'must be an order number');
  return after;
}

function single(query: URLSearchParams, parameter: string): string | null {
  const values = query.getAll(parameter);
  if (values.length > 1) throw invalid(parameter, 'must be given once');
  return values[0] ?? null;
}

function invalid(parameter: string, problem: string): TriremeError {
  return new TriremeError('INVALID_REQUEST', `${parameter}: ${problem}`);
}

/** The id to know a request by: the client's where it is printable and short, else null. */
export function acceptRequestId(header: string | string[] | undefined): string | null {
  return isRequestId(header) ? header : null;
}

/**
 * The client's idempotency key, or null without one.
 * @param values every `Idempotency-Key` line of the request.
 * @throws TriremeError `INVALID_REQUEST` if it is not a key, or there are several.
 */
export function acceptKey(values: readonly string[] | undefined): string | null {
  if (values === undefined) return null;
  const [key] = values;
  if (key === undefined || values.length > 1) {
    throw new TriremeError('INVALID_REQUEST', 'Idempotency-Key: must be given once');
  }
  return parseKey(key);
}

/**
 * Refuses a body that would not be read as JSON, or is announced as too large.
 * @throws TriremeError `UNSUPPORTED_MEDIA_TYPE` or `BODY_TOO_LARGE`.
 */
export function checkBodyHeaders(headers: {
  readonly 'content-type'?: string | undefined;
  readonly 'content-encoding'?: string | undefined;
  readonly 'content-length'?: string | undefined;
}): void {
  const mediaType = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== undefined && mediaType !== 'application/json') {
    throw new TriremeError('UNSUPPORTED_MEDIA_TYPE', 'Content-Type: must be application/json');
  }
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== 'identity') {
    throw new TriremeError('UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding: must be identity');
  }
  if (Number(headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw bodyTooLarge();
}

/** What a body of more than `BODY_BYTES_MAX` is refused with. */
export function bodyTooLarge(): TriremeError {
  return new TriremeError('BODY_TOO_LARGE', `body: must have at most ${BODY_BYTES_MAX} bytes`);
}

/**
 * Refuses a conditional change: conditions are not checked where changes are decided, and a change must not be made without
 * checking its condition (RFC 9110, section 13.1.1).
 * @throws TriremeError `INVALID_REQUEST` naming the header.
 */
export function refuseConditions(headers: {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}): void {
  if (headers['if-match'] !== undefined) throw conditional('If-Match');
  if (headers['if-none-match'] !== undefined) throw conditional('If-None-Match');
}

function conditional(header: string): TriremeError {
  return new TriremeError(
    'INVALID_REQUEST',
    `${header}: conditional changes are not supported. Nothing was changed; send the request without it.`,
  );
}

/** Whether `If-None-Match` names the entity tag, by weak comparison (RFC 9110, section 13.1.2). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header === etag) return true;
  if (header.trim() === '*') return true;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

/**
 * Holds an `Authorization` header against the operator's token without telling by its time how much of it was right.
 * @param token null where none is configured: then nobody is an operator.
 * @throws TriremeError `UNAUTHORIZED`.
 */
export function checkOperator(header: string | undefined, token: string | null): void {
  const given = /^Bearer +([^ ]+) *$/i.exec(header ?? '')?.[1];
  if (given !== undefined && token !== null && timingSafeEqual(digest(given), digest(token))) return;
  throw new TriremeError('UNAUTHORIZED', 'this needs the operator token: Authorization: Bearer <token>');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
