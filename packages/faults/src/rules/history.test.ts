/** The format of a history file: encoding, decoding, and rejection of invalid lines. */
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

test('decodeHistory returns the operations that encodeOperation wrote', () => {
  const text = OPERATIONS.map((operation) => `${encodeOperation(operation)}\n`).join('');
  assert.equal(decodeHistory(text), OPERATIONS);
});

test('encodeOperation writes the documented format', () => {
  assert.equal(JSON.parse(encodeOperation(trade(3, 'AAPL', [1, 2], -2))), {
    client: 3,
    op: 'trade',
    input: { stock: 'AAPL', delta: -2 },
    output: { status: 'ok' },
    call_ns: 1e6,
    return_ns: 2e6,
  });
});

const [base] = [JSON.parse(encodeOperation(trade(3, 'AAPL', [1, 2], -2))) as Record<string, unknown>];
const broken: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['an unknown operation', { op: 'swap' }, /unknown operation "swap"/],
  ['no client', { client: null }, /client/],
  ['a return before its call', { return_ns: 0 }, /return_ns is before call_ns/],
  ['an outcome without a time', { return_ns: null }, /must both be null, or neither/],
  ['an unknown status', { output: { status: 'maybe' } }, /maybe/],
  ['an init without an outcome', { op: 'init', output: null, return_ns: null }, /init/],
  ['no stock', { input: { delta: 1 } }, /stock/],
  [
    'a created order without a number',
    { op: 'create', input: { key: 'k', stock: 'A', side: 'buy', quantity: 1 } },
    /number/,
  ],
  ['an unknown side', { op: 'create', input: { key: 'k', stock: 'A', side: 'hold', quantity: 1 } }, /side/],
];
for (const [what, change, reason] of broken) {
  test(`decodeHistory rejects a line with ${what}, and names its number`, () => {
    const text = `\n${JSON.stringify({ ...base, ...change })}\n`;
    assert.throws(
      () => decodeHistory(text),
      (error: Error) => /^line 2: /.test(error.message) && reason.test(error.message),
    );
  });
}

test('decodeHistory rejects a line that is not JSON, and names its number', () => {
  assert.throws(() => decodeHistory('{'), /^line 1: /);
});

test.run();
