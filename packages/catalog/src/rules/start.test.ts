/** What a catalog does before it knows what an earlier life left behind, one scenario a test. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Driver, HOLD_MS } from './testing/driver.js';
import { buy, decideFrame, stock } from './testing/frames.js';

const A = stock('A', 100);

test('a catalog that starts answers no trade and no lookup before the leases of an earlier life are over', () => {
  const state = {
    lastIndex: 3,
    settled: 0,
    stocks: [{ ...A, version: 3 }],
    outcomes: [[3, [5500]]] as const,
  };
  const driver = new Driver([], { state });
  driver.frontend(1);
  driver.leader(100);
  assert.match(driver.catalog.unready() ?? '', /no leader/);
  driver.ask(100, { t: 'begin' });
  assert.equal(driver.sent(100), [{ t: 'standing', lastIndex: 3 }], 'this much can be told at once');
  driver.ask(100, { t: 'attach', upTo: 3 });
  driver.ask(100, decideFrame(3, 0, [buy('A')]));
  driver.ask(100, decideFrame(4, 3, [buy('A')]));
  driver.at(HOLD_MS - 1);
  assert.is(driver.wakeAt, HOLD_MS);
  assert.equal(driver.sent(100), [], 'what it had decided may not have been revoked');
  assert.is(driver.lookup(1, 'A'), 'unready');
  assert.match(driver.catalog.unready() ?? '', /earlier life/);
  driver.at(HOLD_MS);
  assert.equal(driver.lookup(1, 'A'), [5500, 99, 4, true]);
  assert.equal(driver.sent(100), [
    {
      t: 'decided',
      items: [
        [3, [5500]],
        [4, [5500]],
      ],
    },
  ]);
  assert.is(driver.catalog.unready(), null);
  assert.equal(driver.save()?.outcomes, [[4, [5500]]], 'the other one is on disk');
  assert.is(driver.wakeAt, null);
});

test('a catalog that lost its disk serves nothing until it has been told all that was decided', () => {
  const driver = new Driver([A]);
  driver.frontend(1);
  driver.leader(100);
  driver.ask(100, { t: 'begin' });
  driver.ask(100, { t: 'attach', upTo: 9 });
  driver.at(HOLD_MS);
  driver.sent(100);
  assert.is(driver.lookup(1, 'A'), 'unready');
  assert.match(driver.catalog.unready() ?? '', /0 of 9/);
  driver.say(1, { t: 'list', id: 3, after: '', limit: 10 });
  assert.equal(driver.sent(1), [{ t: 'pageUnready', id: 3 }]);
  driver.ask(100, {
    t: 'replay',
    prev: 0,
    index: 7,
    effects: [
      [2, 0, 'A', 40],
      [2, 2, 'N', 700],
      [5, 3, 'N', 9],
      [5, 1, 'N', 1],
    ],
  });
  driver.ask(100, { t: 'replay', prev: 0, index: 8, effects: [] });
  driver.ask(100, decideFrame(9, 7, [buy('N', 10)]));
  driver.ask(100, decideFrame(6, 5, [buy('N', 10)]));
  assert.equal(driver.sent(100), [
    { t: 'replayed', lastIndex: 7 },
    { t: 'refused', why: 'gap', lastIndex: 7 },
    { t: 'decided', items: [[9, [700]]] },
    { t: 'refused', why: 'settled', lastIndex: 9 },
  ]);
  assert.equal(
    driver.events().map((event) => event.kind),
    ['attached', 'replayed', 'refused', 'ready', 'refused'],
  );
  assert.equal(driver.lookup(1, 'N'), [700, 0, 9, true]);
  assert.is(driver.lookup(1, 'Z'), 'missing');
  const saved = driver.save()?.stocks ?? [];
  assert.equal(
    saved.toSorted((one, other) => one.name.localeCompare(other.name)),
    [
      { name: 'A', price: 5500, quantity: 60, version: 2 },
      { name: 'N', price: 700, quantity: 0, version: 9 },
    ],
  );
});

test('a replay that is impossible here stops the catalog', () => {
  const driver = Driver.ready([A]);
  assert.throws(
    () => driver.ask(100, { t: 'replay', prev: 0, index: 3, effects: [[2, 0, 'A', 101]] }),
    /log index 2 did to A .* seed file/,
  );
});

test.run();
