/** Linearizability of stock on hand-made histories: what is right passes, and each way of going wrong is named. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation } from './history.js';
import { collectOrders } from './orders.js';
import { checkLinearizability } from './stocks.js';
import { create, init, read, trade } from './testing/histories.js';
import { holds, type Verdict } from './verdict.js';

const linearizable = (history: readonly Operation[]): Verdict =>
  checkLinearizability(history, collectOrders(history).orders);

function breaks(found: Verdict, reason: RegExp): void {
  assert.match(found.problems.join('\n'), reason);
}

const stock = suite('linearizable stock');

stock('look-ups and orders that follow each other', () => {
  const history = [
    init('AAPL', 10),
    trade(1, 'AAPL', [1, 2], -4),
    read(2, 'AAPL', [3, 4], 6),
    trade(1, 'AAPL', [3, 5], -7, 'insufficient'),
    create(3, 'k', [6, 7], 1, ['sell', 3, 'AAPL']),
    read(2, 'AAPL', [8, 9], 9),
    read(2, 'AAPL', [10, 11], 'failed'),
    trade(2, 'AAPL', [10, 11], -9, 'failed'),
    read(2, 'AAPL', [12, null], 0),
  ];
  assert.equal(linearizable(history).problems, []);
});

stock('a stale cached read', () => {
  const history = [init('AAPL', 10), trade(1, 'AAPL', [1, 2], -1), read(2, 'AAPL', [3, 4], 10)];
  breaks(linearizable(history), /reads AAPL as 10 .* fits nowhere: before it, the quantity can have been 9/);
});

stock('a new value seen first and an old one after it, while the order is still under way', () => {
  const order = trade(1, 'AAPL', [1, 20], -1);
  const newThenOld = [init('AAPL', 10), order, read(2, 'AAPL', [2, 3], 9), read(3, 'AAPL', [4, 5], 10)];
  breaks(linearizable(newThenOld), /reads AAPL as 10/);
  const oldThenNew = [init('AAPL', 10), order, read(2, 'AAPL', [2, 3], 10), read(3, 'AAPL', [4, 5], 9)];
  assert.ok(holds(linearizable(oldThenNew)));
});

stock('a stock off by one', () => {
  const history = [init('AAPL', 10), trade(1, 'AAPL', [1, 2], -3), read(2, 'AAPL', [3, 4], 6)];
  breaks(linearizable(history), /reads AAPL as 6/);
});

stock('an order refused for want of stock that there was', () => {
  const history = [init('AAPL', 10), trade(1, 'AAPL', [1, 2], -10, 'insufficient')];
  breaks(linearizable(history), /to buy 10 AAPL: insufficient .* fits nowhere/);
});

stock('an order filled from stock that there was not', () => {
  const history = [init('AAPL', 1), trade(1, 'AAPL', [1, 2], -1), trade(2, 'AAPL', [1, 3], -1)];
  breaks(linearizable(history), /to buy 1 AAPL: filled .* fits nowhere/);
});

stock('an unknown outcome may show late, early or never', () => {
  const before = [init('AAPL', 10), trade(1, 'AAPL', [1, null], -2)];
  for (const quantities of [
    [10, 10],
    [10, 8],
    [8, 8],
  ]) {
    const reads = quantities.map((quantity, i) => read(2, 'AAPL', [10 * i + 5, 10 * i + 6], quantity));
    assert.ok(holds(linearizable([...before, ...reads])), quantities.join());
  }
});

stock('an unknown outcome takes effect once, not before it was asked for, and is not taken back', () => {
  const unknown = trade(1, 'AAPL', [7, null], -2);
  for (const quantities of [
    [10, 6],
    [8, 10],
    [8, 8],
  ]) {
    const reads = quantities.map((quantity, i) => read(2, 'AAPL', [10 * i + 5, 10 * i + 6], quantity));
    assert.not(holds(linearizable([init('AAPL', 10), unknown, ...reads])), quantities.join());
  }
});

stock('only a wrong reading of unknown outcomes accepts that a refused order moved stock', () => {
  const failed = [init('AAPL', 10), trade(1, 'AAPL', [1, 2], -2, 'failed'), read(2, 'AAPL', [3, 4], 8)];
  breaks(linearizable(failed), /reads AAPL as 8/);
  const failedTry = [
    init('AAPL', 10),
    create(1, 'k', [1, 2], 'failed', ['buy', 2, 'AAPL']),
    read(2, 'AAPL', [3, 4], 8),
  ];
  breaks(linearizable(failedTry), /reads AAPL as 8/);
});

stock('only a wrong reading of unknown outcomes accepts two effects of one key', () => {
  const body = ['buy', 2, 'AAPL'] as const;
  const tries = [
    create(1, 'k', [1, null], 1, body),
    create(1, 'k', [3, null], 1, body),
    create(1, 'k', [5, 6], 1, body),
  ];
  assert.ok(holds(linearizable([init('AAPL', 10), ...tries, read(2, 'AAPL', [7, 8], 8)])));
  breaks(linearizable([init('AAPL', 10), ...tries, read(2, 'AAPL', [7, 8], 6)]), /reads AAPL as 6/);
});

stock(
  'only a wrong reading of unknown outcomes lets a key take effect before the try that could have been taken in',
  () => {
    const body = ['buy', 2, 'AAPL'] as const;
    const history = [
      init('AAPL', 10),
      create(1, 'k', [1, 2], 'failed', body),
      read(2, 'AAPL', [3, 4], 8),
      create(1, 'k', [5, 6], 1, body),
    ];
    breaks(linearizable(history), /reads AAPL as 8/);
  },
);

stock('a stock whose first quantity nobody knows', () => {
  breaks(linearizable([read(1, 'AAPL', [1, 2], 3)]), /does not tell what there was/);
});

stock.run();
