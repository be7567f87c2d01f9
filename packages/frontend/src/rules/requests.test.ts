import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { TriremeError, type ErrorStatus } from '@trireme/domain';
import { toContractError } from './parser-errors.js';
import {
  parseKeyHeader,
  parseRequestId,
  checkBodyHeaders,
  checkEncoding,
  matchesEtag,
  parseAfterNumber,
  parseOrderNumber,
  parsePageQuery,
  pathOf,
} from './requests.js';
import { requireEffect } from './results.js';

/** The status of the error that the call throws, null if it throws none. */
function refusalOf(call: () => unknown): ErrorStatus | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof TriremeError) return error.status;
    throw error;
  }
}

test('pathOf removes the query and one trailing slash', () => {
  for (const [target, path] of [
    ['/', '/'],
    ['/?a=/', '/'],
    ['/orders', '/orders'],
    ['/orders/', '/orders'],
    ['/orders/?limit=1', '/orders'],
    ['/orders//', '/orders/'],
  ] as const) {
    assert.is(pathOf(target), path);
  }
});

test('checkEncoding rejects invalid percent-encoding', () => {
  assert.is(
    refusalOf(() => checkEncoding('/stocks/A%20B')),
    null,
  );
  assert.is(
    refusalOf(() => checkEncoding('/stocks/AAPL')),
    null,
  );
  for (const path of ['/%', '/%2', '/%zz', '/%ff']) {
    assert.is(
      refusalOf(() => checkEncoding(path)),
      'INVALID_REQUEST',
      path,
    );
  }
});

test('parseOrderNumber accepts positive safe integers only', () => {
  assert.is(parseOrderNumber('1'), 1);
  assert.is(parseOrderNumber('9007199254740991'), 9007199254740991);
  for (const text of [
    '',
    '0',
    '01',
    '+1',
    '-1',
    '1.0',
    '1e3',
    ' 1',
    '1 ',
    '9007199254740992',
    '1'.repeat(30),
  ]) {
    assert.is(parseOrderNumber(text), null, text);
  }
});

test('parsePageQuery and parseAfterNumber apply bounds and defaults', () => {
  const parse = (query: string): unknown => parsePageQuery(new URLSearchParams(query));
  assert.equal(parse(''), { limit: 100, after: null, name: null });
  assert.equal(parse('limit=1000&after=7&name=A&x=y'), { limit: 1000, after: '7', name: 'A' });
  for (const query of ['limit=0', 'limit=1001', 'limit=01', 'limit=x', 'name=', 'after=1&after=2']) {
    assert.is(
      refusalOf(() => parse(query)),
      'INVALID_REQUEST',
      query,
    );
  }
  assert.is(
    refusalOf(() => parse(`name=${'x'.repeat(65)}`)),
    'INVALID_REQUEST',
  );
  assert.is(
    refusalOf(() => parse(`after=${'x'.repeat(65)}`)),
    'INVALID_REQUEST',
  );
  assert.is(parseAfterNumber(null), 0);
  assert.is(parseAfterNumber('0'), 0);
  assert.is(
    refusalOf(() => parseAfterNumber('A')),
    'INVALID_REQUEST',
  );
  assert.is(
    refusalOf(() => parseAfterNumber('9007199254740992')),
    'INVALID_REQUEST',
  );
});

test('parseRequestId accepts short printable ids only', () => {
  assert.is(parseRequestId('a-1'), 'a-1');
  for (const id of [undefined, '', 'a b', 'ä', 'x'.repeat(129), ['a']]) assert.is(parseRequestId(id), null);
});

test('parseKeyHeader accepts one valid key or none', () => {
  assert.is(parseKeyHeader(undefined), null);
  assert.is(parseKeyHeader(['a, b']), 'a, b');
  for (const lines of [[], ['a', 'b'], ['ä'], ['x'.repeat(256)]]) {
    assert.is(
      refusalOf(() => parseKeyHeader(lines)),
      'INVALID_REQUEST',
    );
  }
});

test('checkBodyHeaders accepts JSON of at most 16 KiB', () => {
  for (const headers of [
    {},
    { 'content-type': 'application/json' },
    { 'content-type': 'Application/JSON ; charset=utf-8', 'content-encoding': 'identity' },
    { 'content-length': '16384' },
  ]) {
    assert.is(
      refusalOf(() => checkBodyHeaders(headers)),
      null,
    );
  }
  const status = (headers: Record<string, string>): unknown => refusalOf(() => checkBodyHeaders(headers));
  assert.is(status({ 'content-type': 'text/json' }), 'UNSUPPORTED_MEDIA_TYPE');
  assert.is(status({ 'content-type': '' }), 'UNSUPPORTED_MEDIA_TYPE');
  assert.is(status({ 'content-encoding': 'br' }), 'UNSUPPORTED_MEDIA_TYPE');
  assert.is(status({ 'content-length': '16385' }), 'BODY_TOO_LARGE');
});

test('matchesEtag matches weakly, in a list, or with a star', () => {
  for (const header of ['"v1"', 'W/"v1"', '"v0", "v1"', ' * ', '"v0",W/"v1"']) {
    assert.ok(matchesEtag(header, '"v1"'), header);
  }
  for (const header of [undefined, '', '"v10"', 'v1', '"v1']) assert.not(matchesEtag(header, '"v1"'));
});

test('parserError maps parser codes to statuses', () => {
  assert.is(toContractError('HPE_HEADER_OVERFLOW').status, 'HEADERS_TOO_LARGE');
  assert.is(toContractError('HPE_CHUNK_EXTENSIONS_OVERFLOW').status, 'BODY_TOO_LARGE');
  assert.is(toContractError('ERR_HTTP_REQUEST_TIMEOUT').status, 'REQUEST_TIMEOUT');
  assert.is(toContractError('HPE_INVALID_METHOD').status, 'INVALID_REQUEST');
  assert.is(toContractError(undefined).status, 'INVALID_REQUEST');
});

test('checkDecided returns results with an effect and throws for all others', () => {
  assert.equal(requireEffect([1, 'filled', 2, 3], 'k'), [1, 'filled', 2, 3]);
  assert.equal(requireEffect([1, 'done'], 'k'), [1, 'done']);
  for (const [result, status] of [
    ['noEffect', 'UNAVAILABLE'],
    ['unknown', 'OUTCOME_UNKNOWN'],
    [[1, 'keyReused'], 'KEY_REUSED'],
    [[1, 'rejected', 'STOCK_NOT_FOUND'], 'STOCK_NOT_FOUND'],
    [[1, 'rejected', 'INSUFFICIENT_STOCK'], 'INSUFFICIENT_STOCK'],
    [[1, 'rejected', 'LIMIT_REACHED'], 'LIMIT_REACHED'],
  ] as const) {
    assert.is(
      refusalOf(() => requireEffect(result, 'k')),
      status,
    );
  }
  assert.throws(() => requireEffect([1, 'rejected', 'NEW'], 'k'), /^unknown rejection reason: NEW$/);
});

test.run();
