import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { Operation, OperationKind } from './history.js';
import { checkLinearizable } from './linearizable.js';

/** Creates an operation: `op('put', 5, 0, 10)` puts 5 from time 0 to 10. */
function op(
  kind: OperationKind,
  value: number,
  invoked: number,
  returned: number,
  result = value,
): Operation {
  return { client: 'c', key: 'k', kind, value, invoked, returned, result, by: null };
}
const get = (result: number, invoked: number, returned: number): Operation =>
  op('get', 0, invoked, returned, result);

test('accepts an empty history and a sequential one', () => {
  assert.is(checkLinearizable([]), 'linearizable');
  const history = [get(0, 0, 1), op('put', 5, 2, 3), get(5, 4, 5), op('add', 2, 6, 7, 7), get(7, 8, 9)];
  assert.is(checkLinearizable(history), 'linearizable');
});

test('a read during a write may return the old or the new value, but not the old one after the new one', () => {
  const write = op('put', 5, 0, 10);
  assert.is(checkLinearizable([write, get(0, 1, 2), get(5, 3, 4)]), 'linearizable');
  assert.is(checkLinearizable([write, get(5, 1, 2), get(0, 3, 4)]), 'not linearizable');
});

test('rejects a stale read: a value that was overwritten before the read began', () => {
  const history = [op('put', 5, 0, 1), op('put', 6, 2, 3), get(5, 4, 5)];
  assert.is(checkLinearizable(history), 'not linearizable');
});

test('rejects a lost write: acknowledged, but not read later', () => {
  assert.is(checkLinearizable([op('put', 5, 0, 1), get(0, 2, 3)]), 'not linearizable');
});

test('rejects an addition that was applied twice', () => {
  const history = [op('add', 3, 0, 1, 3), get(6, 2, 3)];
  assert.is(checkLinearizable(history), 'not linearizable');
});

test('a write without a response may take effect late, once, or never', () => {
  const unknown = op('add', 3, 0, Infinity, 0);
  assert.is(checkLinearizable([unknown, get(0, 1, 2), get(3, 100, 101)]), 'linearizable');
  assert.is(checkLinearizable([unknown, get(0, 1, 2), get(0, 100, 101)]), 'linearizable');
  assert.is(checkLinearizable([unknown, get(3, 1, 2), get(0, 3, 4)]), 'not linearizable');
  assert.is(checkLinearizable([unknown, get(6, 1, 2)]), 'not linearizable');
});

test('rejects reads that see two concurrent writes in different orders', () => {
  const writes = [op('put', 1, 0, 10), op('put', 2, 0, 10)];
  assert.is(checkLinearizable([...writes, get(1, 11, 12), get(2, 13, 14)]), 'not linearizable');
  assert.is(checkLinearizable([...writes, get(1, 3, 4), get(2, 13, 14)]), 'linearizable');
});

test('a response and a call at the same time overlap', () => {
  assert.is(checkLinearizable([op('put', 5, 0, 5), get(0, 5, 6)]), 'linearizable');
});

test('gives up at the limit of steps', () => {
  const history = [op('put', 1, 0, 10), op('put', 2, 0, 10), get(3, 11, 12)];
  assert.is(checkLinearizable(history, 3), 'gave up');
  assert.is(checkLinearizable(history), 'not linearizable');
});

/** Reference implementation: tries every order, and every subset of the operations without a response. */
function naive(operations: readonly Operation[], value = 0): boolean {
  if (operations.every(({ returned }) => returned === Infinity)) return true;
  const firstReturn = Math.min(...operations.map(({ returned }) => returned));
  return operations.some((operation) => {
    if (operation.invoked > firstReturn) return false;
    const after =
      operation.kind === 'get' ? value : operation.kind === 'put' ? operation.value : value + operation.value;
    if (operation.returned !== Infinity && operation.result !== after) return false;
    return naive(
      operations.filter((other) => other !== operation),
      after,
    );
  });
}

test('agrees with the reference implementation that tries every order', () => {
  const operation = fc
    .record({
      kind: fc.constantFrom<OperationKind>('put', 'add', 'get'),
      value: fc.integer({ min: 1, max: 2 }),
      invoked: fc.integer({ min: 0, max: 12 }),
      lasts: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constant(Infinity)),
      result: fc.integer({ min: 0, max: 3 }),
    })
    .filter(({ kind, lasts }) => kind !== 'get' || lasts !== Infinity)
    .map(({ kind, value, invoked, lasts, result }) =>
      op(kind, value, invoked, invoked + lasts, kind === 'put' ? value : result),
    );
  let sound = 0;
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (history) => {
      const expected = naive(history);
      if (expected) sound += 1;
      assert.is(checkLinearizable(history), expected ? 'linearizable' : 'not linearizable');
    }),
    { numRuns: 2_000, seed: 1 },
  );
  assert.ok(sound > 200, `only ${sound} of the histories were linearizable`);
});

test.run();
