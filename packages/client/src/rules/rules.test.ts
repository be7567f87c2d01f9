import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { FormatError } from '@trireme/domain';
import { readError, readOrder, readOrders, readStock, readStocks, readTransactionNumber } from './answers.js';
import { SeededRandom } from './random.js';
import { formatReport, hasNoFailures, type ShoppingReport } from './report.js';
import { isOutcomeUnknown, retryDelayMs } from './retry.js';
import { findDuplicates, findMismatch, Shopper } from './shopper.js';

const STOCK = { name: 'AAPL', price: 55, quantity: 0 };
const ORDER = {
  number: 1,
  name: 'AAPL',
  type: 'buy',
  quantity: 2,
  price: 55.5,
  time: '2026-01-01T00:00:00.000Z',
};

test('answers: reads the fields of the contract and drops others', () => {
  assert.equal(readStock({ data: { ...STOCK, more: 1 } }), STOCK);
  assert.equal(readOrder({ data: ORDER }), ORDER);
  assert.equal(readOrder({ data: { ...ORDER, type: 'sell' } }).type, 'sell');
  assert.is(readTransactionNumber({ data: { transaction_number: 10 } }), 10);
  assert.equal(readStocks({ data: [STOCK], next: 'AAPL' }), { data: [STOCK], next: 'AAPL' });
  assert.equal(readOrders({ data: [ORDER], next: 17 }), { data: [ORDER], next: '17' });
  assert.equal(readOrders({ data: [], next: null }), { data: [], next: null });
});

test('answers: an invalid answer is a FormatError', () => {
  const bad: (() => unknown)[] = [
    () => readStock(null),
    () => readStock({ data: { ...STOCK, quantity: -1 } }),
    () => readStock({ data: { ...STOCK, price: '55' } }),
    () => readStock({ data: { ...STOCK, price: 0 } }),
    () => readOrder({ data: { ...ORDER, type: 'gift' } }),
    () => readOrder({ data: { ...ORDER, number: 0 } }),
    () => readTransactionNumber({ data: { transaction_number: 0 } }),
    () => readStocks({ data: STOCK, next: null }),
    () => readStocks({ data: [], next: {} }),
  ];
  for (const read of bad) assert.throws(read, (error: unknown) => error instanceof FormatError);
});

test('answers: readError accepts only statuses of the contract', () => {
  const error = (status: unknown): unknown => ({ error: { code: 409, message: 'no', status } });
  assert.equal(readError(error('INSUFFICIENT_STOCK')), { status: 'INSUFFICIENT_STOCK', message: 'no' });
  for (const bad of [error('NEW'), error('toString'), error(1), {}, null, '<html>']) {
    assert.is(readError(bad), null);
  }
});

const waitAfter = (
  failure: { status?: string; code?: number; retryAfter?: number },
  { attempt = 1, retries = 99, msLeft = 60_000 } = {},
  random = 0.5,
): number | null =>
  retryDelayMs(
    { status: 'UNAVAILABLE', code: 503, retryAfter: null, ...failure },
    { attempt, retries, msLeft },
    random,
  );

test('retry: no more retries than configured, and none beyond the deadline', () => {
  assert.is(waitAfter({}, { attempt: 1, retries: 0 }), null);
  assert.is(waitAfter({}, { attempt: 3, retries: 2 }), null);
  assert.is(waitAfter({ retryAfter: 1 }, { msLeft: 1000 }), null);
  assert.is(waitAfter({ retryAfter: 1 }, { msLeft: 1001 }), 1000);
});

test('retry: only temporary failures, also of a proxy', () => {
  for (const [status, code] of [
    ['INSUFFICIENT_STOCK', 409],
    ['KEY_REUSED', 422],
    ['ABORTED', 0],
    ['BAD_ANSWER', 200],
    ['BAD_ANSWER', 302],
    ['BAD_ANSWER', 404],
  ] as const)
    assert.is(waitAfter({ status, code }), null, `${status} ${code}`);
  for (const [status, code] of [
    ['UNAVAILABLE', 503],
    ['OUTCOME_UNKNOWN', 504],
    ['RATE_LIMITED', 429],
    ['INTERNAL', 500],
    ['NO_ANSWER', 0],
    ['TIMEOUT', 0],
    ['BAD_ANSWER', 408],
    ['BAD_ANSWER', 429],
    ['BAD_ANSWER', 502],
    ['BAD_ANSWER', 504],
  ] as const)
    assert.ok(waitAfter({ status, code }) !== null, `${status} ${code}`);
});

test('retry: the backoff doubles up to a second with jitter; Retry-After counts up to five seconds', () => {
  const wait = (attempt: number, random: number, retryAfter?: number): number | null =>
    waitAfter(retryAfter === undefined ? {} : { retryAfter }, { attempt }, random);
  assert.equal([wait(1, 0), wait(1, 1), wait(2, 1), wait(50, 1)], [10, 20, 40, 1000]);
  assert.equal([wait(1, 0, 1), wait(1, 0, 3600)], [1000, 5000]);
});

test('outcome: known only for statuses that guarantee no effect', () => {
  for (const status of ['UNAVAILABLE', 'RATE_LIMITED', 'UNAUTHORIZED', 'INVALID_ORDER', 'INSUFFICIENT_STOCK'])
    assert.is(isOutcomeUnknown(status, true, false), false, status);
  for (const status of ['OUTCOME_UNKNOWN', 'INTERNAL', 'NO_ANSWER', 'TIMEOUT', 'ABORTED', 'BAD_ANSWER'])
    assert.is(isOutcomeUnknown(status, true, false), true, status);
  assert.is(isOutcomeUnknown('NO_ANSWER', false, false), false, 'the request was never sent');
});

test('outcome: an unknown outcome becomes known only by an outcome of the key', () => {
  for (const status of [
    'INSUFFICIENT_STOCK',
    'STOCK_NOT_FOUND',
    'LIMIT_REACHED',
    'KEY_REUSED',
    'INVALID_ORDER',
  ])
    assert.is(isOutcomeUnknown(status, true, true), false, status);
  for (const status of ['UNAVAILABLE', 'RATE_LIMITED', 'UNAUTHORIZED', 'NO_ANSWER'])
    assert.is(isOutcomeUnknown(status, false, true), true, status);
});

test('random: a seed reproduces the numbers, seeds differ, and all numbers are in bounds', () => {
  const draw = (seed: number): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 20 }, () => random.next());
  };
  assert.equal(draw(7), draw(7));
  assert.is.not(draw(7).join(), draw(8).join());
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, count) => {
      const random = new SeededRandom(seed);
      const value = random.below(count);
      return Number.isInteger(value) && value >= 0 && value < count && !random.chance(0) && random.chance(1);
    }),
  );
  const random = new SeededRandom(1);
  const mean = Array.from({ length: 10_000 }, () => random.next()).reduce((sum, x) => sum + x) / 10_000;
  assert.ok(mean > 0.48 && mean < 0.52);
});

const shopperOf = (orderProbability: number, seed = 1): Shopper =>
  new Shopper({ random: new SeededRandom(seed), names: ['A', 'B', 'C'], orderProbability });

test('shopper: looks up every stock and no others', () => {
  const shopper = shopperOf(1);
  const seen = new Set(Array.from({ length: 200 }, () => shopper.chooseStock()));
  assert.equal([...seen].sort(), ['A', 'B', 'C']);
  assert.throws(
    () => new Shopper({ random: new SeededRandom(1), names: [], orderProbability: 1 }),
    /names must not be empty/,
  );
});

test('shopper: orders with its probability, both types, mostly one unit and at most three', () => {
  const shopper = shopperOf(0.8);
  const decisions = Array.from({ length: 5000 }, () => shopper.decide({ name: 'A', quantity: 9 }));
  const orders = decisions.filter((order) => order !== null);
  const share = (condition: (order: (typeof orders)[number]) => boolean): number =>
    orders.filter(condition).length / orders.length;
  assert.ok(Math.abs(orders.length / decisions.length - 0.8) < 0.03);
  assert.ok(Math.abs(share(({ type }) => type === 'buy') - 0.5) < 0.03);
  assert.ok(Math.abs(share(({ quantity }) => quantity === 1) - 0.8) < 0.03);
  assert.equal([...new Set(orders.map(({ quantity }) => quantity))].sort(), [1, 2, 3]);
  assert.ok(orders.every(({ name }) => name === 'A'));
});

test('shopper: places no order for a sold-out stock or with probability 0', () => {
  for (let seed = 0; seed < 100; seed++) {
    assert.is(shopperOf(1, seed).decide({ name: 'A', quantity: 0 }), null);
    assert.is(shopperOf(0, seed).decide({ name: 'A', quantity: 5 }), null);
  }
});

test('shopper: findMismatch names the fields that differ', () => {
  const shopper = shopperOf(1);
  const request = { name: 'A', type: 'buy', quantity: 2 } as const;
  shopper.recordPlaced(request, 5);
  assert.equal(shopper.placed, [{ ...request, number: 5 }]);
  const placed = { ...request, number: 5 };
  assert.is(findMismatch(placed, { ...placed }), null);
  assert.is(findMismatch(placed, null), 'order 5 was not found');
  assert.is(findMismatch(placed, { ...placed, quantity: 3 }), 'order 5 has quantity 3 instead of 2');
  const other = { name: 'B', type: 'sell', quantity: 2, number: 6 } as const;
  assert.is(
    findMismatch(placed, other),
    'order 5 has number 6 instead of 5, name B instead of A, type sell instead of buy',
  );
});

test('shopper: findDuplicates finds a number of two orders', () => {
  const order = (number: number) => ({ name: 'A', type: 'buy', quantity: 1, number }) as const;
  assert.equal(findDuplicates([order(1), order(2)]), []);
  assert.equal(findDuplicates([order(1), order(2), order(1), order(1)]), [
    'number 1 was given to two orders',
  ]);
});

const LATENCY = { count: 1234, mean: 1.5, p50: 1.25, p99: 10 };
const report = (more: Partial<ShoppingReport> = {}): ShoppingReport => ({
  latency: { lookup: LATENCY, order: LATENCY, 'order read': { count: 0, mean: NaN, p50: 0, p99: 0 } },
  failures: new Map<string, number>(),
  filled: 3,
  rejected: 1,
  mismatches: [],
  ...more,
});

test('report: a clean report is a table with zero failures', () => {
  assert.ok(hasNoFailures(report()));
  assert.is(
    formatReport(report()),
    [
      'request     count  mean ms  p50 ms  p99 ms',
      'lookup       1234     1.50    1.25   10.00',
      'order        1234     1.50    1.25   10.00',
      'order read      0        -       -       -',
      '',
      'orders: 3 filled, 1 rejected',
      'failed requests: 0',
      'mismatches: 0',
    ].join('\n'),
  );
});

test('report: failures by status, and the first of many mismatches', () => {
  const failures = new Map([
    ['order: UNAVAILABLE', 2],
    ['lookup: TIMEOUT', 1],
  ]);
  assert.not.ok(hasNoFailures(report({ failures })));
  assert.match(
    formatReport(report({ failures })),
    /failed requests: 3\n {2}order: UNAVAILABLE: 2\n {2}lookup/,
  );
  const mismatches = Array.from({ length: 25 }, (_, i) => `m${i}`);
  assert.not.ok(hasNoFailures(report({ mismatches })));
  assert.match(formatReport(report({ mismatches })), /mismatches: 25\n {2}m0\n[\s\S]*m19\n {2}and 5 more$/);
});

test.run();
