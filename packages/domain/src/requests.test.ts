/** Tests of request parsing, and of the JSON of money, stocks, orders and errors. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HTTP_STATUS_OF, InvariantError, TriremeError, assertInvariant, type ErrorStatus } from './errors.js';
import { PRICE_CENTS_MAX, formatCents, parseCents } from './money.js';
import { ORDER_QUANTITY_MAX, orderJson } from './order.js';
import {
  parseIdempotencyKey,
  parseListBody,
  parseOrderBody,
  parseRestockBody,
  parseStockName,
} from './requests.js';
import { stockJson } from './stock.js';

function assertRefused(call: () => unknown, status: ErrorStatus, message: RegExp): void {
  assert.throws(call, (error: unknown) => {
    assert.instance(error, TriremeError);
    if (!(error instanceof TriremeError)) return false;
    assert.is(error.status, status);
    assert.match(error.message, message);
    return true;
  });
}

const ORDER = { name: 'AAPL', type: 'buy', quantity: 1 };

test('parseOrderBody returns the order and ignores unknown fields', () => {
  assert.equal(parseOrderBody(JSON.stringify({ ...ORDER, more: 1 })), ORDER);
  assert.is(
    parseOrderBody(JSON.stringify({ ...ORDER, quantity: ORDER_QUANTITY_MAX })).quantity,
    ORDER_QUANTITY_MAX,
  );
  assert.is(parseOrderBody('{"name":"A","type":"sell","quantity":1e3}').quantity, 1000);
});

const BAD_ORDERS: readonly [string, string, RegExp][] = [
  ['an unknown type', JSON.stringify({ ...ORDER, type: 'hold' }), /^type: must be "buy" or "sell"$/],
  ['quantity 0', JSON.stringify({ ...ORDER, quantity: 0 }), /^quantity: must be at least 1$/],
  ['quantity -1', JSON.stringify({ ...ORDER, quantity: -1 }), /^quantity: must be at least 1$/],
  ['quantity 1.5', JSON.stringify({ ...ORDER, quantity: 1.5 }), /^quantity: must be a whole number$/],
  ['quantity "1"', JSON.stringify({ ...ORDER, quantity: '1' }), /^quantity: must be a whole number$/],
  ['quantity 2^53', JSON.stringify({ ...ORDER, quantity: 2 ** 53 }), /^quantity: must be/],
  [
    'quantity above the bound',
    JSON.stringify({ ...ORDER, quantity: ORDER_QUANTITY_MAX + 1 }),
    /^quantity: must be at most 1000000$/,
  ],
  ['no quantity', '{"name":"A","type":"buy"}', /^quantity: must be a whole number$/],
  ['no name', '{"type":"buy","quantity":1}', /^name: must be a string$/],
  ['an empty name', JSON.stringify({ ...ORDER, name: '' }), /^name: must not be empty$/],
  [
    'a long name',
    JSON.stringify({ ...ORDER, name: 'x'.repeat(65) }),
    /^name: must have at most 64 characters$/,
  ],
  [
    'a name that is not well-formed',
    `{"name":"${'x'.repeat(62)}\\ud83d","type":"buy","quantity":1}`,
    /^name: must be well-formed Unicode$/,
  ],
  ['a field twice', '{"name":"A","type":"buy","quantity":1,"quantity":2}', /^quantity: must be given once$/],
  ['a list', '[]', /^order: must be a JSON object$/],
  ['null', 'null', /^order: must be a JSON object$/],
  ['no JSON', '{"name":', /^order: body is not valid JSON$/],
  ['nothing', '', /^order: body is not valid JSON$/],
];

for (const [what, body, message] of BAD_ORDERS) {
  test(`parseOrderBody rejects ${what}`, () => {
    assertRefused(() => parseOrderBody(body), 'INVALID_ORDER', message);
  });
}

test('parseListBody and parseRestockBody accept values within their bounds only', () => {
  assert.equal(parseListBody('{"price":55.1}'), { price: 5510 });
  assert.equal(parseListBody('{"price":10000000}'), { price: PRICE_CENTS_MAX });
  for (const price of ['0', '-1', '0.001', '10000000.01', '1e400']) {
    assertRefused(() => parseListBody(`{"price":${price}}`), 'INVALID_STOCK', /^price: must be/);
  }
  assertRefused(() => parseListBody('{"price":1,"price":1}'), 'INVALID_STOCK', /^price: must be given once$/);
  assertRefused(
    () => parseRestockBody('{"quantity":1,"quantity":1}'),
    'INVALID_STOCK',
    /^quantity: must be given once$/,
  );
  assertRefused(() => parseListBody('{}'), 'INVALID_STOCK', /^price: must be a number$/);
  assertRefused(() => parseListBody('1'), 'INVALID_STOCK', /^stock: must be a JSON object$/);
  assert.equal(parseRestockBody('{"quantity":5}'), { quantity: 5 });
  assertRefused(() => parseRestockBody('{"quantity":0}'), 'INVALID_STOCK', /^quantity: must be at least 1$/);
});

test('body parsers throw only TriremeError for arbitrary text', () => {
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ name: fc.anything(), type: fc.anything(), quantity: fc.anything() }).map((value) => {
      try {
        return JSON.stringify(value);
      } catch {
        return '';
      }
    }),
  );
  fc.assert(
    fc.property(body, (text) => {
      for (const parse of [parseOrderBody, parseListBody, parseRestockBody]) {
        try {
          parse(text);
        } catch (error) {
          assert.instance(error, TriremeError);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('parseStockName and parseKey accept values at their bounds and reject those beyond', () => {
  for (const name of ['A', 'a.b_c-9', 'x'.repeat(64)]) assert.is(parseStockName(name), name);
  for (const name of ['', '.a', '-a', 'a b', 'ä', 'x'.repeat(65), 'a\n']) {
    assertRefused(() => parseStockName(name), 'INVALID_STOCK', /^name: /);
  }
  for (const key of [' ', '~', 'k'.repeat(255)]) assert.is(parseIdempotencyKey(key), key);
  for (const key of ['', 'ä', '\x1f', '\x7f', 'k\n', 'k'.repeat(256)]) {
    assertRefused(() => parseIdempotencyKey(key), 'INVALID_REQUEST', /^Idempotency-Key: /);
  }
});

test('toCents returns the cents that formatCents formatted', () => {
  const cents = fc.integer({ min: 1, max: PRICE_CENTS_MAX });
  fc.assert(
    fc.property(cents, (price) => assert.is(parseCents(Number(formatCents(price))), price)),
    { numRuns: 2000 },
  );
  assert.is(formatCents(1), '0.01');
  assert.is(formatCents(10), '0.10');
  assert.is(formatCents(5500), '55.00');
  assert.is(formatCents(PRICE_CENTS_MAX), '10000000.00');
});

test('toCents returns null for more than two decimals, and out of bounds', () => {
  for (const price of [0, -0, -1, 0.001, 0.005, 1.999, 10_000_000.01, NaN, Infinity])
    assert.is(parseCents(price), null);
  assert.is(parseCents(0.01), 1);
  assert.is(parseCents(1.1), 110);
});

test('orderJson and stockJson have the fields of the contract', () => {
  const order = {
    number: 10,
    name: 'A"B',
    type: 'buy',
    quantity: 1,
    price: 5500,
    time: 0,
    index: 7,
  } as const;
  assert.is(
    orderJson(order),
    '{"number":10,"name":"A\\"B","type":"buy","quantity":1,"price":55.00,"time":"1970-01-01T00:00:00.000Z"}',
  );
  assert.is(
    stockJson({ name: 'AAPL', price: 5500, quantity: 100, version: 3 }),
    '{"name":"AAPL","price":55.00,"quantity":100}',
  );
});

test('every error status has its HTTP code, and the body contains both', () => {
  for (const [status, code] of Object.entries(HTTP_STATUS_OF)) {
    const error = new TriremeError(status as ErrorStatus, 'why');
    assert.is(error.httpStatus, code);
    assert.equal(error.toBody(), { error: { code, message: 'why', status } });
  }
});

test('assertRule throws InvariantError with its message', () => {
  assertInvariant(true, 'holds');
  assert.throws(
    () => assertInvariant(false, 'does not hold'),
    (error: unknown) => {
      return error instanceof InvariantError && error.message === 'does not hold';
    },
  );
});

test.run();
