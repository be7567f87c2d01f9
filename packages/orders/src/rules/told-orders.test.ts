import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command, Outcome } from '@trireme/domain';
import { DONE, FILLED, NONE, REJECTED, buy } from './testing/batches.js';
import { ToldOrders } from './told-orders.js';

const LIST: Command = { kind: 'list', key: 'l', name: 'N', price: 5 };

/** Three batches, of which the second fills nothing: orders 5 and 6, then 7 to 9. */
function filled(): ToldOrders {
  const told = new ToldOrders();
  const batches: readonly (readonly [seq: number, readonly Command[], readonly Outcome[]])[] = [
    [1, [LIST, buy('a', 1), buy('b', 2), buy('c', 3)], [DONE, FILLED, REJECTED, FILLED]],
    [2, [buy('d')], [REJECTED]],
    [3, [buy('e', 4), buy('e', 4), buy('f', 5), buy('g', 6)], [FILLED, NONE, FILLED, FILLED]],
  ];
  let first = 5;
  for (const [seq, commands, outcomes] of batches) {
    const count = outcomes.filter(({ kind }) => kind === 'filled').length;
    told.add({ index: seq * 10, time: seq * 1000, commands, outcomes, first, count });
    first += count;
  }
  return told;
}

const quantities = (told: ToldOrders): readonly (number | undefined)[] =>
  [4, 5, 6, 7, 8, 9, 10].map((number) => told.find(number)?.quantity);

test('an order is found by its number, with what it was filled at', () => {
  const told = filled();
  assert.equal(quantities(told), [undefined, 1, 3, 4, 5, 6, undefined]);
  assert.equal(told.find(6), { number: 6, name: 'A', type: 'buy', quantity: 3, price: 500, time: 1000 });
  assert.equal(
    [told.find(0), told.find(-1), told.find(1.5), told.find(Number.MAX_SAFE_INTEGER)],
    [null, null, null, null],
  );
});

test('what is stored is let go, in order, batches that filled nothing among it', () => {
  const told = filled();
  told.stored(9);
  assert.is(told.find(5)?.quantity, 1);
  told.stored(10);
  assert.equal(quantities(told), [undefined, undefined, undefined, 4, 5, 6, undefined]);
  told.stored(20);
  assert.is(told.find(7)?.quantity, 4);
  told.stored(30);
  assert.equal(
    quantities(told),
    Array.from({ length: 7 }, () => undefined),
  );
});

test.run();
