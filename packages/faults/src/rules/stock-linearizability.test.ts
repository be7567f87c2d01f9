/** The linearizability check of stocks on hand-made histories: valid ones pass, each violation is named. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation } from './history.js';
import { collectOrders } from './orders.js';
import { checkLinearizability } from './stock-linearizability.js';
import { create, init, read, trade } from './testing/histories.js';
import { isPassed, type CheckResult } from './check-result.js';

const linearizable = (history: readonly Operation[]): CheckResult =>
  checkLinearizability(history, collectOrders(history).orders);

function breaks(found: CheckResult, reason: RegExp): void {
  assert.match(found.problems.join('\n'), reason);
}

const stock = suite('linearizable stock');

stock('accepts sequential look-ups and orders', () => {
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

stock('rejects a stale cached read', () => {
  const history = [init('AAPL', 10), trade(1, 'AAPL', [1, 2], -1), read(2, 'AAPL', [3, 4], 10)];
  breaks(
    linearizable(history),
    /reads AAPL as 10 .* has no valid place: before it, the quantity can have been 9/,
  );
});

stock('rejects an old value after a new one while the order is in flight', () => {
  const order = trade(1, 'AAPL', [1, 20], -1);
  const newThenOld = [init('AAPL', 10), order, read(2, 'AAPL', [2, 3], 9), read(3, 'AAPL', [4, 5], 10)];
  breaks(linearizable(newThenOld), /reads AAPL as 10/);
  const oldThenNew = [init('AAPL', 10), order, read(2, 'AAPL', [2, 3], 10), read(3, 'AAPL', [4, 5], 9)];
  assert.ok(isPassed(linearizable(oldThenNew)));
});

stock('rejects a stock that is off by one', () => {
  const history = [init('AAPL', 10), trade(1, 'AAPL', [1, 2], -3), read(2, 'AAPL', [3, 4], 6)];
  breaks(linearizable(history), /reads AAPL as 6/);
});

stock('rejects an order that was rejected although the stock was sufficient', () => {
  const history = [init('AAPL', 10), trade(1, 'AAPL', [1, 2], -10, 'insufficient')];
  breaks(linearizable(history), /to buy 10 AAPL: insufficient .* has no valid place/);
});

stock('rejects an order that was filled although the stock was insufficient', () => {
  const history = [init('AAPL', 1), trade(1, 'AAPL', [1, 2], -1), trade(2, 'AAPL', [1, 3], -1)];
  breaks(linearizable(history), /to buy 1 AAPL: filled .* has no valid place/);
});

stock('accepts an unknown outcome that takes effect early, late or never', () => {
  const before = [init('AAPL', 10), trade(1, 'AAPL', [1, null], -2)];
  for (const quantities of [
    [10, 10],
    [10, 8],
    [8, 8],
  ]) {
    const reads = quantities.map((quantity, i) => read(2, 'AAPL', [10 * i + 5, 10 * i + 6], quantity));
    assert.ok(isPassed(linearizable([...before, ...reads])), quantities.join());
  }
});

stock('rejects an unknown outcome that takes effect twice, before its call, or only temporarily', () => {
  const unknown = trade(1, 'AAPL', [7, null], -2);
  for (const quantities of [
    [10, 6],
    [8, 10],
    [8, 8],
  ]) {
    const reads = quantities.map((quantity, i) => read(2, 'AAPL', [10 * i + 5, 10 * i + 6], quantity));
    assert.not(isPassed(linearizable([init('AAPL', 10), unknown, ...reads])), quantities.join());
  }
});

stock('rejects a failed order that moved stock', () => {
  const failed = [init('AAPL', 10), trade(1, 'AAPL', [1, 2], -2, 'failed'), read(2, 'AAPL', [3, 4], 8)];
  breaks(linearizable(failed), /reads AAPL as 8/);
  const failedTry = [
    init('AAPL', 10),
    create(1, 'k', [1, 2], 'failed', ['buy', 2, 'AAPL']),
    read(2, 'AAPL', [3, 4], 8),
  ];
  breaks(linearizable(failedTry), /reads AAPL as 8/);
});

stock('rejects two effects of one key with unknown outcomes', () => {
  const body = ['buy', 2, 'AAPL'] as const;
  const tries = [
    create(1, 'k', [1, null], 1, body),
    create(1, 'k', [3, null], 1, body),
    create(1, 'k', [5, 6], 1, body),
  ];
  assert.ok(isPassed(linearizable([init('AAPL', 10), ...tries, read(2, 'AAPL', [7, 8], 8)])));
  breaks(linearizable([init('AAPL', 10), ...tries, read(2, 'AAPL', [7, 8], 6)]), /reads AAPL as 6/);
});

stock('rejects a key that takes effect before the first attempt that can have placed the order', () => {
  const body = ['buy', 2, 'AAPL'] as const;
  const history = [
    init('AAPL', 10),
    create(1, 'k', [1, 2], 'failed', body),
    read(2, 'AAPL', [3, 4], 8),
    create(1, 'k', [5, 6], 1, body),
  ];
  breaks(linearizable(history), /reads AAPL as 8/);
});

stock('rejects a stock without an initial quantity', () => {
  breaks(linearizable([read(1, 'AAPL', [1, 2], 3)]), /no initial quantity/);
});

stock.run();
