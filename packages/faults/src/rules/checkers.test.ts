/**
 * The checks of the order book and the final state on hand-made histories: valid ones pass, each violation is
 * named.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBook, type BookRow } from './exported-book.js';
import { checkConservation, checkReplicas } from './final-state.js';
import { checkOrderBook } from './order-book.js';
import { create, get, trade } from './testing/histories.js';
import { isPassed, checkResult, type CheckResult } from './check-result.js';

type Row = readonly [number: number, side: 'buy' | 'sell', quantity: number, stock: string];
const book = (...rows: readonly Row[]): BookRow[] =>
  rows.map(([number, side, quantity, stock]) => ({ number, side, quantity, stock }));

function breaks(found: CheckResult, reason: RegExp): void {
  assert.match(found.problems.join('\n'), reason);
}

const orders = suite('order book');
const two = [create(1, 'k1', [1, 2], 1), create(2, 'k2', [3, 4], 2, ['sell', 5, 'META'])];
const twoRows: readonly Row[] = [
  [1, 'buy', 1, 'AAPL'],
  [2, 'sell', 5, 'META'],
];

orders('accepts acknowledged orders that are in the book with their contents', () => {
  const history = [
    ...two,
    get(3, 2, [5, 6], ['sell', 5, 'META']),
    get(3, 3, [5, 6], 404),
    get(3, 1, [5, null]),
  ];
  assert.equal(checkOrderBook(history, book(...twoRows)).problems, []);
});

orders('accepts an order with an unknown outcome in the book or not in it', () => {
  const history = [...two, create(3, 'k3', [1, null], 1), trade(4, 'NVDA', [1, null], 2)];
  assert.ok(isPassed(checkOrderBook(history, book(...twoRows))));
  assert.ok(
    isPassed(checkOrderBook(history, book(...twoRows, [3, 'buy', 1, 'AAPL'], [4, 'sell', 2, 'NVDA']))),
  );
});

orders('reports a lost acknowledged order', () => {
  breaks(checkOrderBook(two, book([1, 'buy', 1, 'AAPL'])), /order 2 \(k2\) was acknowledged and is lost/);
  const withoutKey = [trade(1, 'NVDA', [1, 2], 3)];
  breaks(checkOrderBook(withoutKey, []), /1 orders to sell 3 NVDA were filled, but the book has 0: lost/);
});

orders('reports two orders for one key', () => {
  const history = [...two, create(1, 'k1', [5, 6], 3)];
  breaks(
    checkOrderBook(history, book(...twoRows, [3, 'buy', 1, 'AAPL'])),
    /key k1 got different outcomes: order 1 and order 3/,
  );
  breaks(checkOrderBook(two, book(...twoRows, [3, 'buy', 1, 'AAPL'])), /but the book has 2: doubled/);
});

orders('reports a key that was both filled and rejected', () => {
  const history = [...two, create(1, 'k1', [5, 6], 'insufficient')];
  breaks(
    checkOrderBook(history, book(...twoRows)),
    /key k1 got different outcomes: order 1 and insufficient/,
  );
});

orders('reports a reused order number', () => {
  const history = [...two, create(3, 'k3', [5, 6], 2, ['sell', 5, 'META'])];
  breaks(checkOrderBook(history, book(...twoRows)), /number 2 was given to k2 and to k3/);
});

orders('reports an order in the book that no client placed', () => {
  const rows = book(...twoRows, [3, 'buy', 9, 'NVDA']);
  breaks(
    checkOrderBook(two, rows),
    /buy 9 NVDA were filled and 0 have an unknown outcome, but the book has 1/,
  );
});

orders('reports an order in the book of which every attempt failed', () => {
  const history = [...two, create(3, 'k3', [1, 2], 'failed', ['buy', 9, 'NVDA'])];
  breaks(
    checkOrderBook(history, book(...twoRows, [3, 'buy', 9, 'NVDA'])),
    /0 have an unknown outcome, but the book has 1/,
  );
});

orders('reports an order with different contents in the book', () => {
  breaks(
    checkOrderBook(two, book([1, 'buy', 2, 'AAPL'], [2, 'sell', 5, 'META'])),
    /is buy 2 AAPL in the book/,
  );
});

orders('reports a gap in the order numbers', () => {
  const history = [create(1, 'k1', [1, 2], 1), create(2, 'k2', [3, 4], 3)];
  breaks(
    checkOrderBook(history, book([1, 'buy', 1, 'AAPL'], [3, 'buy', 1, 'AAPL'])),
    /order 2 of the book has number 3/,
  );
});

orders('reports order numbers that contradict real time', () => {
  const history = [create(1, 'k1', [1, 2], 2), create(2, 'k2', [3, 4], 1)];
  const rows = book([1, 'buy', 1, 'AAPL'], [2, 'buy', 1, 'AAPL']);
  breaks(checkOrderBook(history, rows), /order 1 \(k2\) was placed after order 2 \(k1\) was acknowledged/);
  const overlapping = [create(1, 'k1', [1, 5], 2), create(2, 'k2', [3, 4], 1)];
  assert.ok(isPassed(checkOrderBook(overlapping, rows)));
});

orders('reports a 404 for an acknowledged order', () => {
  breaks(
    checkOrderBook([...two, get(3, 1, [5, 6], 404)], book(...twoRows)),
    /got 404 for order 1, acknowledged 3\.000 ms before/,
  );
  assert.ok(
    isPassed(checkOrderBook([...two, get(3, 1, [1.5, 6], 404)], book(...twoRows))),
    'a 404 is allowed while the order is in flight',
  );
});

orders('reports a 404 for an order that was read before', () => {
  const history = [create(1, 'k1', [1, null], 1), get(2, 1, [2, 3]), get(3, 1, [4, 5], 404)];
  breaks(checkOrderBook(history, book([1, 'buy', 1, 'AAPL'])), /which was read before/);
});

orders(
  'reports an order that was read before it was placed, with other contents, or although it is not in the book',
  () => {
    breaks(
      checkOrderBook([...two, get(3, 2, [1, 2], ['sell', 5, 'META'])], book(...twoRows)),
      /before it was placed/,
    );
    breaks(
      checkOrderBook([...two, get(3, 2, [5, 6], ['sell', 6, 'META'])], book(...twoRows)),
      /as sell 6 META, but the book has sell 5 META/,
    );
    breaks(checkOrderBook([...two, get(3, 9, [5, 6])], book(...twoRows)), /which is not in the book/);
  },
);

orders('reports a workload that sends one key with two bodies', () => {
  const history = [...two, create(1, 'k1', [5, 6], 1, ['buy', 2, 'AAPL'])];
  breaks(checkOrderBook(history, book(...twoRows)), /error in the workload/);
});

orders.run();

const final = suite('final state');
const CSV = 'number,name,type,quantity\n1,AAPL,buy,1\n2,META,sell,5\n';

final('parseBook reads an exported book, and rejects invalid lines', () => {
  assert.equal(parseBook(CSV), book(...twoRows));
  assert.equal(parseBook('number,name,type,quantity\n'), []);
  for (const line of ['1,AAPL,hold,1', 'x,AAPL,buy,1', '1,AAPL,buy,1,1', '']) {
    assert.throws(
      () => parseBook(`number,name,type,quantity\n${line}\n\n`),
      /line [23] of the book is invalid/,
    );
  }
  assert.throws(() => parseBook('1,AAPL,buy,1\n'), /does not start with the heading/);
});

final('checkReplicas accepts equal replicas, and reports each difference', () => {
  const replica = { name: 'replica-1', book: CSV, applied: 7, hash: 'a' };
  assert.ok(isPassed(checkReplicas([replica, { ...replica, name: 'replica-2' }])));
  breaks(checkReplicas([]), /no replica returned its order book/);
  const other = { ...replica, name: 'replica-2', book: CSV.replace('5', '6') };
  breaks(
    checkReplicas([replica, other]),
    /replica-2 differs from that of replica-1 at line 3: "2,META,sell,6"/,
  );
  const shorter = { ...replica, name: 'replica-2', book: 'number,name,type,quantity\n1,AAPL,buy,1' };
  breaks(checkReplicas([replica, shorter]), /at line 4: null|at line 3/);
  breaks(checkReplicas([replica, { ...replica, name: 'replica-2', hash: 'b' }]), /different hashes/);
  breaks(
    checkReplicas([replica, { ...replica, name: 'replica-2', applied: 8 }]),
    /applied indexes differ: 7, 8/,
  );
});

final('checkConservation accepts stock that adds up, and reports each deviation', () => {
  const initial = new Map([
    ['AAPL', 1],
    ['META', 0],
  ]);
  const reported = [
    { stock: 'AAPL', quantity: 0, source: 'frontend-1' },
    { stock: 'META', quantity: 5, source: 'frontend-1' },
  ];
  assert.ok(isPassed(checkConservation(initial, book(...twoRows), reported)));
  const off = reported.map((one) => ({ ...one, quantity: one.quantity + 1 }));
  breaks(
    checkConservation(initial, book(...twoRows), off),
    /frontend-1 returned quantity 6 for META, but the book results in 5/,
  );
  breaks(
    checkConservation(initial, book(...twoRows), reported.slice(1)),
    /no front-end returned a quantity for AAPL/,
  );
  const below = book([1, 'buy', 1, 'AAPL'], [2, 'buy', 1, 'AAPL'], [3, 'sell', 1, 'AAPL']);
  breaks(checkConservation(initial, below, reported), /order 2 takes AAPL from 0 to -1/);
  breaks(checkConservation(initial, book([1, 'buy', 1, 'X']), reported), /for the unknown stock X/);
  breaks(
    checkConservation(initial, [], [...reported, { stock: 'X', quantity: 1, source: 'f' }]),
    /but the book results in an unknown quantity/,
  );
});

final('verdict lists the first problems and counts the others', () => {
  const found = checkResult(
    'all',
    'nothing',
    Array.from({ length: 20 }, (_, i) => `problem ${i}`),
  );
  assert.is(found.problems.length, 13);
  assert.is(found.problems.at(-1), 'and 8 more');
});

final.run();
