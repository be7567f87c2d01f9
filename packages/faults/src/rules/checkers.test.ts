/** The book and the final state on hand-made histories: what is right passes, and each way of going wrong is named. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBook, type BookRow } from './book.js';
import { checkConservation, checkReplicas } from './final-state.js';
import { checkOrderBook } from './order-book.js';
import { create, get, trade } from './testing/histories.js';
import { holds, verdict, type Verdict } from './verdict.js';

type Row = readonly [number: number, side: 'buy' | 'sell', quantity: number, stock: string];
const book = (...rows: readonly Row[]): BookRow[] =>
  rows.map(([number, side, quantity, stock]) => ({ number, side, quantity, stock }));

function breaks(found: Verdict, reason: RegExp): void {
  assert.match(found.problems.join('\n'), reason);
}

const orders = suite('order book');
const two = [create(1, 'k1', [1, 2], 1), create(2, 'k2', [3, 4], 2, ['sell', 5, 'META'])];
const twoRows: readonly Row[] = [
  [1, 'buy', 1, 'AAPL'],
  [2, 'sell', 5, 'META'],
];

orders('what was acknowledged is in the book as it was asked for', () => {
  const history = [
    ...two,
    get(3, 2, [5, 6], ['sell', 5, 'META']),
    get(3, 3, [5, 6], 404),
    get(3, 1, [5, null]),
  ];
  assert.equal(checkOrderBook(history, book(...twoRows)).problems, []);
});

orders('an unknown outcome may be in the book or not', () => {
  const history = [...two, create(3, 'k3', [1, null], 1), trade(4, 'NVDA', [1, null], 2)];
  assert.ok(holds(checkOrderBook(history, book(...twoRows))));
  assert.ok(holds(checkOrderBook(history, book(...twoRows, [3, 'buy', 1, 'AAPL'], [4, 'sell', 2, 'NVDA']))));
});

orders('a lost acknowledged order', () => {
  breaks(checkOrderBook(two, book([1, 'buy', 1, 'AAPL'])), /order 2 \(k2\) was acknowledged and is lost/);
  const withoutKey = [trade(1, 'NVDA', [1, 2], 3)];
  breaks(checkOrderBook(withoutKey, []), /1 orders to sell 3 NVDA were filled, the book has 0: lost/);
});

orders('a doubled key', () => {
  const told = [...two, create(1, 'k1', [5, 6], 3)];
  breaks(
    checkOrderBook(told, book(...twoRows, [3, 'buy', 1, 'AAPL'])),
    /key k1 was told order 1 and order 3/,
  );
  breaks(checkOrderBook(two, book(...twoRows, [3, 'buy', 1, 'AAPL'])), /the book has 2: doubled/);
});

orders('a key that was filled and refused', () => {
  const history = [...two, create(1, 'k1', [5, 6], 'insufficient')];
  breaks(checkOrderBook(history, book(...twoRows)), /key k1 was told order 1 and insufficient/);
});

orders('a reused number', () => {
  const history = [...two, create(3, 'k3', [5, 6], 2, ['sell', 5, 'META'])];
  breaks(checkOrderBook(history, book(...twoRows)), /number 2 was given to k2 and to k3/);
});

orders('an order that nobody asked for', () => {
  const rows = book(...twoRows, [3, 'buy', 9, 'NVDA']);
  breaks(checkOrderBook(two, rows), /buy 9 NVDA were filled and 0 may have been, the book has 1/);
});

orders('an order whose every try failed', () => {
  const history = [...two, create(3, 'k3', [1, 2], 'failed', ['buy', 9, 'NVDA'])];
  breaks(checkOrderBook(history, book(...twoRows, [3, 'buy', 9, 'NVDA'])), /0 may have been, the book has 1/);
});

orders('an order that is another one in the book', () => {
  breaks(
    checkOrderBook(two, book([1, 'buy', 2, 'AAPL'], [2, 'sell', 5, 'META'])),
    /is buy 2 AAPL in the book/,
  );
});

orders('a hole in the numbers', () => {
  const history = [create(1, 'k1', [1, 2], 1), create(2, 'k2', [3, 4], 3)];
  breaks(
    checkOrderBook(history, book([1, 'buy', 1, 'AAPL'], [3, 'buy', 1, 'AAPL'])),
    /line 2 of the book has number 3/,
  );
});

orders('a number that goes against real time', () => {
  const history = [create(1, 'k1', [1, 2], 2), create(2, 'k2', [3, 4], 1)];
  const rows = book([1, 'buy', 1, 'AAPL'], [2, 'buy', 1, 'AAPL']);
  breaks(checkOrderBook(history, rows), /order 1 \(k2\) was placed after order 2 \(k1\) was acknowledged/);
  const overlapping = [create(1, 'k1', [1, 5], 2), create(2, 'k2', [3, 4], 1)];
  assert.ok(holds(checkOrderBook(overlapping, rows)));
});

orders('a 404 after an acknowledgement', () => {
  breaks(
    checkOrderBook([...two, get(3, 1, [5, 6], 404)], book(...twoRows)),
    /got 404 for order 1, acknowledged 3\.000 ms before/,
  );
  assert.ok(
    holds(checkOrderBook([...two, get(3, 1, [1.5, 6], 404)], book(...twoRows))),
    'one under way may be missing',
  );
});

orders('a 404 for an order that had been read', () => {
  const history = [create(1, 'k1', [1, null], 1), get(2, 1, [2, 3]), get(3, 1, [4, 5], 404)];
  breaks(checkOrderBook(history, book([1, 'buy', 1, 'AAPL'])), /which had been read before/);
});

orders('an order read before it was placed, read differently, or read from nowhere', () => {
  breaks(
    checkOrderBook([...two, get(3, 2, [1, 2], ['sell', 5, 'META'])], book(...twoRows)),
    /before it was placed/,
  );
  breaks(
    checkOrderBook([...two, get(3, 2, [5, 6], ['sell', 6, 'META'])], book(...twoRows)),
    /as sell 6 META/,
  );
  breaks(checkOrderBook([...two, get(3, 9, [5, 6])], book(...twoRows)), /which the book does not have/);
});

orders('a workload that sends a key with two bodies', () => {
  const history = [...two, create(1, 'k1', [5, 6], 1, ['buy', 2, 'AAPL'])];
  breaks(checkOrderBook(history, book(...twoRows)), /the workload is wrong/);
});

orders.run();

const final = suite('final state');
const CSV = 'number,name,type,quantity\n1,AAPL,buy,1\n2,META,sell,5\n';

final('a book is read as it was exported', () => {
  assert.equal(parseBook(CSV), book(...twoRows));
  assert.equal(parseBook('number,name,type,quantity\n'), []);
  for (const line of ['1,AAPL,hold,1', 'x,AAPL,buy,1', '1,AAPL,buy,1,1', '']) {
    assert.throws(() => parseBook(`number,name,type,quantity\n${line}\n\n`), /line [23] of the book/);
  }
  assert.throws(() => parseBook('1,AAPL,buy,1\n'), /no heading/);
});

final('equal replicas, and each way in which they differ', () => {
  const replica = { name: 'replica-1', book: CSV, applied: 7, hash: 'a' };
  assert.ok(holds(checkReplicas([replica, { ...replica, name: 'replica-2' }])));
  breaks(checkReplicas([]), /no replica/);
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

final('stock that adds up, and each way in which it does not', () => {
  const initial = new Map([
    ['AAPL', 1],
    ['META', 0],
  ]);
  const told = [
    { stock: 'AAPL', quantity: 0, source: 'frontend-1' },
    { stock: 'META', quantity: 5, source: 'frontend-1' },
  ];
  assert.ok(holds(checkConservation(initial, book(...twoRows), told)));
  const off = told.map((one) => ({ ...one, quantity: one.quantity + 1 }));
  breaks(
    checkConservation(initial, book(...twoRows), off),
    /frontend-1 tells 6 META; by the book there are 5/,
  );
  breaks(checkConservation(initial, book(...twoRows), told.slice(1)), /nobody told how much AAPL/);
  const below = book([1, 'buy', 1, 'AAPL'], [2, 'buy', 1, 'AAPL'], [3, 'sell', 1, 'AAPL']);
  breaks(checkConservation(initial, below, told), /order 2 takes AAPL from 0 to -1/);
  breaks(checkConservation(initial, book([1, 'buy', 1, 'X']), told), /for X, of which nobody knows/);
  breaks(checkConservation(initial, [], [...told, { stock: 'X', quantity: 1, source: 'f' }]), /none known/);
});

final('a verdict names the first problems and counts the others', () => {
  const found = verdict(
    'all',
    'nothing',
    Array.from({ length: 20 }, (_, i) => `problem ${i}`),
  );
  assert.is(found.problems.length, 13);
  assert.is(found.problems.at(-1), 'and 8 more');
});

final.run();
