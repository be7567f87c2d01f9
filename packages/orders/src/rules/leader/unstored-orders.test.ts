import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command, Outcome } from '@trireme/domain';
import { DONE, FILLED, NONE, REJECTED, buy } from '../testing/batches.js';
import { UnstoredOrders } from './unstored-orders.js';

const LIST: Command = { kind: 'list', key: 'l', name: 'N', price: 5 };

/** Three batches: orders 5 and 6, none, and orders 7 to 9. */
function filled(): UnstoredOrders {
  const orders = new UnstoredOrders();
  const batches: readonly (readonly [seq: number, readonly Command[], readonly Outcome[]])[] = [
    [1, [LIST, buy('a', 1), buy('b', 2), buy('c', 3)], [DONE, FILLED, REJECTED, FILLED]],
    [2, [buy('d')], [REJECTED]],
    [3, [buy('e', 4), buy('e', 4), buy('f', 5), buy('g', 6)], [FILLED, NONE, FILLED, FILLED]],
  ];
  let first = 5;
  for (const [seq, commands, outcomes] of batches) {
    const count = outcomes.filter(({ kind }) => kind === 'filled').length;
    orders.add({ index: seq * 10, time: seq * 1000, commands, outcomes, first, count });
    first += count;
  }
  return orders;
}

const quantities = (orders: UnstoredOrders): readonly (number | undefined)[] =>
  [4, 5, 6, 7, 8, 9, 10].map((number) => orders.find(number)?.quantity);

test('find returns an order by number, with its price', () => {
  const orders = filled();
  assert.equal(quantities(orders), [undefined, 1, 3, 4, 5, 6, undefined]);
  assert.equal(orders.find(6), { number: 6, name: 'A', type: 'buy', quantity: 3, price: 500, time: 1000 });
  assert.equal(
    [orders.find(0), orders.find(-1), orders.find(1.5), orders.find(Number.MAX_SAFE_INTEGER)],
    [null, null, null, null],
  );
});

test('dropStored orders are dropped in order, including batches that filled none', () => {
  const orders = filled();
  orders.dropStored(9);
  assert.is(orders.find(5)?.quantity, 1);
  orders.dropStored(10);
  assert.equal(quantities(orders), [undefined, undefined, undefined, 4, 5, 6, undefined]);
  orders.dropStored(20);
  assert.is(orders.find(7)?.quantity, 4);
  orders.dropStored(30);
  assert.equal(
    quantities(orders),
    Array.from({ length: 7 }, () => undefined),
  );
});

test.run();
