/** Parses the target and the headers of a request. `@trireme/domain` parses bodies. */
import {
  isOrderName,
  isRequestId,
  ORDER_NAME_LENGTH_MAX,
  PAGE_ROWS_MAX,
  parseIdempotencyKey,
  TriremeError,
} from '@trireme/domain';

/** Maximum size of a request body, in bytes. */
export const BODY_BYTES_MAX = 16 * 1024;

/** Default number of rows of a page. */
export const PAGE_ROWS_DEFAULT = 100;

const ORDER_NUMBER = /^[1-9][0-9]{0,15}$/;
const WHOLE_NUMBER = /^(0|[1-9][0-9]{0,15})$/;

/**
 * The path of a request target such as `/orders/?limit=2`, without the query and without one trailing slash.
 */
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

/** The query parameters of a request target. Does not need a valid URL. */
export function queryOf(target = ''): URLSearchParams {
  const at = target.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : target.slice(at + 1));
}

/** @throws TriremeError `INVALID_REQUEST` if the percent-encoding of the path is invalid. */
export function checkEncoding(path: string): void {
  if (!path.includes('%')) return;
  try {
    decodeURIComponent(path);
  } catch {
    throw new TriremeError('INVALID_REQUEST', 'path: invalid percent-encoding');
  }
}

/** @throws TriremeError `INVALID_REQUEST` if the host is missing (RFC 9112, section 3.2). */
export function checkHost(httpVersion: string, headers: { readonly host?: string | undefined }): void {
  if (headers.host === undefined && httpVersion === '1.1')
    throw new TriremeError('INVALID_REQUEST', 'Host: header is required');
}

/** Parses an order number; null if no order can have it. */
export function parseOrderNumber(text: string): number | null {
  const number = Number(text);
  return ORDER_NUMBER.test(text) && Number.isSafeInteger(number) ? number : null;
}

/** The parameters of a list. `after` is null to read from the beginning. */
export interface PageQuery {
  readonly limit: number;
  readonly after: string | null;
  readonly name: string | null;
}

/**
 * Parses the parameters of a list; unknown ones are ignored.
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

/** Parses the order number after which a list starts. @throws TriremeError `INVALID_REQUEST`. */
export function parseAfterNumber(text: string | null): number {
  if (text === null) return 0;
  const after = Number(text);
  if (!WHOLE_NUMBER.test(text) || !Number.isSafeInteger(after))
    throw invalid('after', 'must be an order number');
  return after;
}

function single(query: URLSearchParams, parameter: string): string | null {
  const values = query.getAll(parameter);
  if (values.length > 1) throw invalid(parameter, 'must be given only once');
  return values[0] ?? null;
}

function invalid(parameter: string, problem: string): TriremeError {
  return new TriremeError('INVALID_REQUEST', `${parameter}: ${problem}`);
}

/** The client's request id if it is valid, else null. */
export function parseRequestId(header: string | string[] | undefined): string | null {
  return isRequestId(header) ? header : null;
}

/**
 * The client's idempotency key, or null without one.
 * @param values all `Idempotency-Key` header lines of the request.
 * @throws TriremeError `INVALID_REQUEST` if the key is invalid, or there are several.
 */
export function parseKeyHeader(values: readonly string[] | undefined): string | null {
  if (values === undefined) return null;
  const [key] = values;
  if (key === undefined || values.length > 1) {
    throw new TriremeError('INVALID_REQUEST', 'Idempotency-Key: must be given only once');
  }
  return parseIdempotencyKey(key);
}

/**
 * Checks that the headers announce a JSON body of allowed size.
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

/** The error for a body of more than `BODY_BYTES_MAX`. */
export function bodyTooLarge(): TriremeError {
  return new TriremeError('BODY_TOO_LARGE', `body: must have at most ${BODY_BYTES_MAX} bytes`);
}

/**
 * Rejects conditional changes: the state machine does not check conditions, and a change must not be made
 * without checking its condition (RFC 9110, section 13.1.1).
 * @throws TriremeError `INVALID_REQUEST` naming the header.
 */
export function rejectConditions(headers: {
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

/** Whether `If-None-Match` contains the entity tag, by weak comparison (RFC 9110, section 13.1.2). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header === etag) return true;
  if (header.trim() === '*') return true;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
