/** The format of a history: what is written is what is read, and nothing else is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeHistory, encodeOperation, type Operation } from './history.js';
import { create, get, init, read, trade } from './testing/histories.js';

const OPERATIONS: readonly Operation[] = [
  init('AAPL', 100),
  read(1, 'AAPL', [1, 2], 100),
  read(1, 'AAPL', [3, 4], 'failed'),
  read(1, 'AAPL', [5, null], 0),
  trade(2, 'AAPL', [1, 2], -2),
  trade(2, 'AAPL', [3, 4], 5, 'insufficient'),
  trade(2, 'AAPL', [5, 6], 5, 'failed'),
  trade(2, 'AAPL', [7, null], 5),
  create(3, 'k1', [1, 2], 1),
  create(3, 'k2', [3, 4], 'insufficient'),
  create(3, 'k3', [5, 6], 'failed', ['sell', 4, 'META']),
  create(3, 'k4', [7, null], 'failed'),
  get(4, 1, [1, 2]),
  get(4, 2, [3, 4], 404),
  get(4, 3, [5, 6], 'failed'),
  get(4, 4, [7, null]),
];

test('every operation comes back as it was written', () => {
  const text = OPERATIONS.map((operation) => `${encodeOperation(operation)}\n`).join('');
  assert.equal(decodeHistory(text), OPERATIONS);
});

test('a line is that of the format', () => {
  assert.equal(JSON.parse(encodeOperation(trade(3, 'AAPL', [1, 2], -2))), {
    ...{ client: 3, op: 'trade', input: { stock: 'AAPL', delta: -2 }, output: { status: 'ok' } },
    ...{ call_ns: 1e6, return_ns: 2e6 },
  });
});

const [base] = [JSON.parse(encodeOperation(trade(3, 'AAPL', [1, 2], -2))) as Record<string, unknown>];
const broken: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['an unknown operation', { op: 'swap' }, /"swap" is no operation/],
  ['no client', { client: null }, /client/],
  ['an end before its beginning', { return_ns: 0 }, /returns before/],
  ['an outcome that is known at no time', { return_ns: null }, /both null or neither/],
  ['a status that there is not', { output: { status: 'maybe' } }, /maybe/],
  ['an init without an outcome', { op: 'init', output: null, return_ns: null }, /init/],
  ['no stock', { input: { delta: 1 } }, /stock/],
  [
    'a created order without a number',
    { op: 'create', input: { key: 'k', stock: 'A', side: 'buy', quantity: 1 } },
    /number/,
  ],
  [
    'a side that there is not',
    { op: 'create', input: { key: 'k', stock: 'A', side: 'hold', quantity: 1 } },
    /side/,
  ],
];
for (const [what, change, reason] of broken) {
  test(`a line with ${what} is refused by its number`, () => {
    const text = `\n${JSON.stringify({ ...base, ...change })}\n`;
    assert.throws(
      () => decodeHistory(text),
      (error: Error) => /^line 2: /.test(error.message) && reason.test(error.message),
    );
  });
}

test('a line that is not JSON is refused by its number', () => {
  assert.throws(() => decodeHistory('{'), /^line 1: /);
});

test.run();
